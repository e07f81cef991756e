import type { Command } from 'commander'
import type { From, Streams, Until } from '../index.ts'
import { bytesTopic } from '../tools/bytes-topic.ts'
import { OutputClosed, writeAll } from '../tools/standard-output.ts'
import { consumeAsGroup, type GroupOptions } from './consume-group.ts'
import { parsedBy, UsageError } from './failure.ts'
import { Interruption } from './interruption.ts'
import { parseCount, parseStart, parseUntil, resumeStart, type Start } from './moments.ts'
import { openBackend, topicArgument } from './open-backend.ts'
import { Progress } from './progress.ts'
import { lineOf, type Print, rowOf } from './record-printer.ts'
import { outputColumns, outputIsTerminal } from './terminal.ts'
import { checkPartitions } from './topics.ts'

interface Options {
  readonly group?: string
  readonly from?: Start
  readonly until?: Until
  readonly max?: number
  readonly partition?: string[]
  readonly json?: boolean
}

export function addConsume(program: Command): void {
  program
    .command('consume')
    .description('print the records of a topic: rows on a terminal, JSON Lines elsewhere')
    .argument('<address>', 'backend and topic', parsedBy(topicArgument))
    .option(
      '--group <name>',
      'as a member of this group: goes on where it stopped, checkpoints what was printed',
    )
    .option(
      '--from <start>',
      'earliest, latest, a time, -1h, @POSITION, or 0=@17+,1=earliest',
      parsedBy(parseStart),
    )
    .option('--until <end>', 'now, a time, @POSITION; default: follow the topic', parsedBy(parseUntil))
    .option('--max <n>', 'stop after so many records', parsedBy(parseCount))
    .option('--partition <id...>', 'these partitions only')
    .option('--json', 'JSON Lines on a terminal too')
    .action(async ({ backend, topic }, options: Options, command: Command) => {
      using interruption = new Interruption()
      await using streams = await openBackend(backend, command)
      const print = printer(options)
      if (options.group === undefined) await consumeAlone(streams, topic, options, print, interruption)
      else {
        const wanted = groupOptions(options, options.group)
        await consumeAsGroup(streams, topic, wanted, print, interruption)
      }
    })
}

function printer({ json }: Options): Print {
  const columns = json ? undefined : outputColumns()
  return (records) =>
    writeAll(
      records.map((record) => (columns === undefined ? lineOf(record) : rowOf(record, columns))).join(''),
    )
}

/** A group has one start, and its members' partitions are not for one of them to choose. */
function groupOptions({ from, until, max, partition }: Options, group: string): GroupOptions {
  if (partition !== undefined)
    throw new UsageError('--partition and --group exclude each other: a group shares all')
  if (from?.starts !== undefined || (typeof from?.from === 'object' && !('timestamp' in from.from))) {
    throw new UsageError(
      '--from with --group is earliest, latest or a time: use "millrace groups seek" for positions',
    )
  }
  if (until !== undefined && until !== 'now') throw new UsageError('--until with --group is "now"')
  return { group, from: from?.from, untilNow: until === 'now', max }
}

/** Reads without a group: nothing is kept, so Ctrl-C says how to go on. */
async function consumeAlone(
  streams: Streams,
  topic: string,
  options: Options,
  print: Print,
  interruption: Interruption,
): Promise<void> {
  const { until, max = Number.POSITIVE_INFINITY, partition } = options
  const start = options.from ?? { from: undefined, starts: undefined }
  const named = [...(partition ?? []), ...Object.keys(start.starts ?? {})]
  if (named.length > 0) await checkPartitions(streams, topic, named)
  const { partitions } = await streams.admin.describeTopic(topic)
  if (partition === undefined && partitions.length > 1) {
    refusePlace(start.from, '--from')
    refusePlace(until, '--until')
  }
  // where each partition goes on: at first where it starts, then after what was printed
  const places = new Map<string, From>()
  for (const { id, latest } of partitions) {
    if (partition !== undefined && !partition.includes(id)) continue
    const from = start.starts?.[id] ?? start.from ?? 'earliest'
    if (from === 'end') continue
    places.set(id, from === 'latest' && latest !== null ? { at: latest } : from)
  }

  using bar = new Progress('read', { quiet: outputIsTerminal })
  await using reader = streams.read(bytesTopic(topic), {
    starts: Object.fromEntries(
      partitions
        .filter(({ id }) => partition?.includes(id) ?? true)
        .map(({ id }) => [id, places.get(id) ?? ('end' as const)]),
    ),
    ...(until !== undefined && { until }),
    ...(partition !== undefined && { partitions: partition }),
    signal: interruption.signal,
  })
  let read = 0
  try {
    if (max > 0) {
      for await (const batch of reader) {
        const records = batch.length > max - read ? batch.records.slice(0, max - read) : batch.records
        await print(records)
        read += records.length
        const last = records.at(-1)
        if (last !== undefined) places.set(last.partition, { after: last.position })
        const behind = batch.lag.records
        bar.update(read, behind === undefined ? undefined : Math.min(max, read + behind))
        if (read >= max || interruption.signal.aborted) break
      }
    }
  } catch (error) {
    if (error instanceof OutputClosed || !interruption.signal.aborted) throw error
  }
  bar[Symbol.dispose]()
  if (!interruption.signal.aborted) return
  process.stderr.write(`millrace: read ${read} records. To go on: --from ${resumeStart(places)}\n`)
  interruption.throwIfInterrupted()
}

function refusePlace(place: From | Until | undefined, option: string): void {
  if (typeof place !== 'object' || 'timestamp' in place) return
  const position = 'at' in place ? place.at : place.after
  const other = option === '--from' ? `, or --from 0=@${position}` : ''
  throw new UsageError(
    `${option} @${position}: a position belongs to one partition. Add --partition ID${other}`,
  )
}
