import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { isatty } from 'node:tty'
import type { Command } from 'commander'
import { joinAddress } from '../tools/address.ts'
import { fileError } from '../tools/file-error.ts'
import type { LineMode } from '../tools/json-lines/read-records.ts'
import { type AcknowledgedLine, type SendLinesProgress, sendLines } from '../tools/json-lines/send-lines.ts'
import { OutputClosed, writeAll } from '../tools/standard-output.ts'
import { parsedBy, UsageError } from './failure.ts'
import { count, counted, duration } from './human.ts'
import { Interruption } from './interruption.ts'
import { parseCount } from './moments.ts'
import { openBackend, topicArgument } from './open-backend.ts'
import { Progress } from './progress.ts'

export function addProduce(program: Command): void {
  program
    .command('produce')
    .description('send JSON Lines to a topic, from a file or a pipe of any size')
    .argument('<address>', 'backend and topic, such as log:./data/orders', parsedBy(topicArgument))
    .argument('[file]', 'JSON Lines; "-" is standard input', '-')
    .option('--key <path>', 'take the key from the value, at this path: customer.id')
    .option('--timestamp <path>', 'take the time from the value: milliseconds or ISO 8601')
    .option('--values', 'each line is a value as it is')
    .option('--records', 'each line is a record: {"key":…,"value":…,"headers":…,"timestamp":…}')
    .option('--keep-partitions', 'send each record to the partition that its line names', false)
    .option('--skip-lines <n>', 'read over so many lines: they were sent before', parsedBy(skipCount), 0)
    .option('--json', 'print {"line":…,"partition":…,"position":…} for each acknowledged record')
    .addHelpText(
      'after',
      '\nWithout --values or --records the first line decides for all: an object with "value" (or "tombstone") that has no other\n' +
        'members than a record has is a record; anything else is a value.',
    )
    .action(async ({ backend, topic }, file, options, command) => {
      if (options.values && options.records) throw new UsageError('--values and --records exclude each other')
      let mode: LineMode | undefined = options.values ? 'values' : options.records ? 'records' : undefined
      const input = await openInput(file)
      using interruption = new Interruption()
      interruption.signal.addEventListener('abort', () => input.stream.destroy(), { once: true })
      await using streams = await openBackend(backend, command)
      const { maxRecordBytes } = await streams.admin.describeTopic(topic)
      await using producer = streams.producer()

      let printing = options.json === true
      using bar = new Progress('produced')
      const started = performance.now()
      const progress: SendLinesProgress = { sent: 0, line: options.skipLines, uncertain: 0 }
      const onAcknowledged = async (lines: readonly AcknowledgedLine[]): Promise<void> => {
        if (printing) {
          await writeAll(lines.map(jsonOf).join('')).catch((error: unknown) => {
            // whoever read the positions has enough; what was to be sent is still sent
            if (!(error instanceof OutputClosed)) throw error
            printing = false
          })
        }
        const { sent } = progress
        const end = lines.at(-1)?.end
        bar.update(
          sent,
          end === undefined || input.size === undefined ? undefined : (sent * input.size) / end,
        )
      }
      try {
        await sendLines(
          producer,
          topic,
          input.stream,
          {
            mode,
            keyPath: options.key,
            timestampPath: options.timestamp,
            skipLines: options.skipLines,
            keepPartitions: options.keepPartitions,
            maxRecordBytes,
            // text may be six times as long in JSON as it is in bytes, and headers and names come with it
            maxLineBytes: Math.min(6 * maxRecordBytes + 1024 * 1024, 400 * 1024 * 1024),
            onMode: (found) => {
              mode = found
            },
            onAcknowledged,
            signal: interruption.signal,
          },
          progress,
        )
      } catch (error) {
        bar[Symbol.dispose]()
        tellWhereToGoOn(progress)
        throw error
      } finally {
        if (!input.stream.closed) input.stream.once('error', () => {}).destroy()
      }
      bar[Symbol.dispose]()
      if (interruption.signal.aborted) tellWhereToGoOn(progress)
      interruption.throwIfInterrupted()
      if (options.json) return
      const took = duration(performance.now() - started)
      const what = mode === 'values' ? ', one a line as plain values' : ''
      await writeAll(
        `produced ${counted(progress.sent, 'record')} to ${joinAddress(backend, topic)} in ${took}${what}\n`,
      )
    })
}

function skipCount(text: string): number {
  return parseCount(text, 0)
}

interface Input {
  readonly stream: NodeJS.ReadStream | ReturnType<typeof createReadStream>
  /** Bytes, of a file. */
  readonly size: number | undefined
}

async function openInput(path: string): Promise<Input> {
  if (path === '-') {
    if (isatty(0)) process.stderr.write('millrace: reading JSON Lines from the terminal; Ctrl-D ends them\n')
    return { stream: process.stdin, size: undefined }
  }
  const found = await stat(path).catch((error: unknown) => {
    throw fileError(error, path, 'read')
  })
  if (found.isDirectory()) throw fileError(Object.assign(new Error(), { code: 'EISDIR' }), path, 'read')
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024 })
  return { stream, size: found.isFile() ? found.size : undefined }
}

/** What is acknowledged stays; the same input with `--skip-lines` goes on after it. */
function tellWhereToGoOn({ sent, line, uncertain }: SendLinesProgress): void {
  const doubt = uncertain > 0 ? `; up to ${count(uncertain)} after it may be sent already` : ''
  process.stderr.write(
    `millrace: sent ${counted(sent, 'record')}, to line ${line}${doubt}. To go on: --skip-lines ${line}\n`,
  )
}

function jsonOf({ line, partition, position }: AcknowledgedLine): string {
  return `${JSON.stringify({ line, partition, position })}\n`
}
