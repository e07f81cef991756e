import type { Command } from 'commander'
import { StreamError } from '../index.ts'
import { joinAddress } from '../tools/address.ts'
import { writeAll } from '../tools/standard-output.ts'
import { dayChart, networkTable, styleOf, weekChart } from './demo/charts.ts'
import { playKill } from './demo/kill-scene.ts'
import { addDemoMember } from './demo/member.ts'
import { Narrator } from './demo/narrator.ts'
import { loadQuakes } from './demo/quakes.ts'
import { playReplay } from './demo/replay-scene.ts'
import { makeTopic, type Stage, setStage } from './demo/stage.ts'
import { parsedBy } from './failure.ts'
import { duration } from './human.ts'
import { Interruption } from './interruption.ts'
import { backendArgument } from './open-backend.ts'
import { outputIsTerminal } from './terminal.ts'

interface Options {
  readonly keep?: boolean
  readonly json?: boolean
}

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('one week of earthquakes through a group of two processes, one of which is killed')
    .argument(
      '[address]',
      'backend; default: an embedded log in a temporary directory',
      parsedBy(backendArgument),
    )
    .option('--keep', 'leave topics and data for a look around')
    .option('--json', 'the result in JSON')
    .action(async (address: string | undefined, options: Options, command: Command) => {
      using interruption = new Interruption()
      try {
        await using stage = await setStage(address, command, options.keep === true)
        await play(stage, options, interruption.signal)
      } catch (error) {
        interruption.throwIfInterrupted()
        throw error
      }
    })
  addDemoMember(program)
}

async function play(
  stage: Stage,
  { keep = false, json = false }: Options,
  signal: AbortSignal,
): Promise<void> {
  const { backend, topic, partitions } = stage
  const started = performance.now()
  using narrator = new Narrator({ silent: json })
  const quakes = loadQuakes()
  await narrator.write(`millrace demo on ${backend} (${stage.fate})\n\n`)
  await makeTopic(stage, topic)
  await narrator.say('created', `${joinAddress(backend, topic)} with ${partitions} partitions`)

  const { verdict, killed, processed } = await playKill(stage, quakes, narrator, signal)
  const replayed = await playReplay(stage, quakes, narrator, signal)

  if (json) {
    const { expected } = replayed
    const result = {
      backend,
      sent: quakes.length,
      ...verdict,
      killed,
      replayed: replayed.quakes.length,
      expected,
    }
    await writeAll(`${JSON.stringify(result)}\n`)
  } else {
    const found = quakes.filter(({ id }) => processed.has(id))
    const style = styleOf(outputIsTerminal)
    const day = dayChart(replayed.day, replayed.quakes, style)
    await narrator.write(`\n${weekChart(found, style)}\n${day}\n${networkTable(found)}\n`)
  }
  const { lost, forbidden, inversions } = verdict
  if (
    lost.length + forbidden.length + inversions.length > 0 ||
    replayed.quakes.length !== replayed.expected
  ) {
    throw new StreamError(
      'INTERNAL',
      'a promise was broken, see above. Please report it with the output of --json.',
    )
  }
  await narrator.write(`All promises held, in ${duration(performance.now() - started)}.\n`)
  if (keep) await narrator.write(`Look around: millrace topics list ${backend}\n`)
}
