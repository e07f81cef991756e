import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { addConsume } from './consume.ts'
import { addDemo } from './demo.ts'
import { exitCodeOf, report } from './failure.ts'
import { addGroups } from './groups.ts'
import { addProduce } from './produce.ts'
import { addReplay } from './replay.ts'
import { addTopics } from './topics.ts'

/** The nearest package.json: two folders up from src/cli, three from dist/src/cli. */
function version(): string {
  for (let place = new URL('..', import.meta.url); ; place = new URL('..', place)) {
    try {
      const found = JSON.parse(readFileSync(new URL('package.json', place), 'utf8'))
      if (found.name === 'millrace') return found.version
    } catch {}
    if (place.pathname === '/') return 'unknown'
  }
}

/** Commander's message on one line; where one of our parsers refused, its own words say it all. */
function usageLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, '')
    .replace(/^command-argument value .* is invalid for argument '\S+'\. /s, '')
    .replace(/^(option '.*?)' argument .* is invalid\. /s, "$1': ")
    .replace(/\s*\n\s*/g, ' ')
}

const program = new Command('millrace')
  .description(
    'Partitioned, ordered, replayable streams, by address: log:DIR, memory:, kafka://HOST:PORT, msk://HOST:PORT, kinesis://REGION. ' +
      'A topic follows as the last path segment: log:./data/orders.',
  )
  .version(version())
  .option('--verbose', 'debug messages, and the causes of an error', false)
  .configureHelp({ showGlobalOptions: true })
  .showSuggestionAfterError()
  .exitOverride()
  .configureOutput({
    outputError: (text, write) => write(`millrace: USAGE: ${usageLine(text)}\n`),
  })

addTopics(program)
addProduce(program)
addConsume(program)
addReplay(program)
addGroups(program)
addDemo(program)

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    report(error, { verbose: program.opts().verbose === true })
    process.exitCode = exitCodeOf(error)
  }
}
