import { resolve as resolvePath } from 'node:path'
import { connect, type From, StreamError, type Streams, type Until } from '../index.ts'
import { isAddress, joinAddress, topicAddress } from './address.ts'
import { openLinesSource } from './replay/lines-source.ts'
import type { ReplayEnd, ReplayOptions, ReplayReport } from './replay/options.ts'
import { openFileSink, openOutputSink, openTopicSink, type ReplaySink } from './replay/sinks.ts'
import { loadState, type ReplayState } from './replay/state-file.ts'
import { survey } from './replay/survey.ts'
import { openTopicSource, type ReplaySource } from './replay/topic-source.ts'
import { Transfer } from './replay/transfer.ts'

export type {
  ReplayEnd,
  ReplayOptions,
  ReplayProgress,
  ReplayRecord,
  ReplayReport,
} from './replay/options.ts'

/**
 * Copies a stream's records, as they stand when it starts, to another stream or to JSON Lines and back: keys, values, headers and
 * timestamps byte for byte, in order per partition and so per key. Dead letters go back to their origin. Rejects with
 * `StreamError`; what was acknowledged before stays, and with a `state` the next call goes on after it.
 */
export async function replay(
  from: ReplayEnd,
  to: ReplayEnd,
  wanted: ReplayOptions = {},
): Promise<ReplayReport> {
  checkOptions(from, to, wanted)
  await using opened = new AsyncDisposableStack()
  const open = async (address: string): Promise<Streams> =>
    opened.use((await connect(address, wanted.connect)) as Streams)
  const source = await endOf(from, open)
  // one backend may be opened by one handle only, and two would be a waste
  const target = await endOf(to, async (address) =>
    source.streams !== undefined &&
    isAddress(String(from)) &&
    absolute(topicAddress(String(from)).backend) === absolute(address)
      ? source.streams
      : open(address),
  )
  if (source.name === target.name && source.name !== '-') {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `source and target are the same, ${source.name}. Name another target.`,
    )
  }

  const state =
    wanted.state === undefined ? undefined : await openState(wanted.state, source.name, target.name, wanted)
  if (state?.complete) return { ...emptyReport(state), ended: 'already' }
  const options: ReplayOptions = { ...wanted, ...(state?.range ?? rangeOf(wanted)), filter: filterOf(wanted) }
  const records = source.streams
    ? await openTopicSource(source.streams, source.topic, options, state)
    : await openLinesSource(source.topic, options, state)
  opened.defer(() => records.close())
  if (options.dryRun) return await survey(records, options)

  let sink: ReplaySink
  if (target.streams) {
    await target.streams.admin.describeTopic(target.topic) // NOT_FOUND before anything is read
    sink = openTopicSink(target.streams, target.topic)
  } else if (target.topic === '-') sink = openOutputSink()
  else {
    sink = await openFileSink(target.topic, {
      resumeAt: state?.written,
      overwrite: options.overwrite ?? false,
    })
  }
  opened.defer(() => sink.close())

  const mayRepeat = state === undefined || state.clean || sink.cutsBack ? 0 : state.stateEvery
  if (state !== undefined) options.onResume?.({ records: state.records, mayRepeat })
  const fresh = state ?? newState(source.name, target.name, options, records)
  const redriveTo = target.streams && !options.raw ? target.topic : undefined
  return await new Transfer(records, sink, fresh, { ...options, redriveTo, mayRepeat }).run()
}

interface End {
  /** As the state names it. */
  readonly name: string
  /** Undefined for JSON Lines, whose path is then `topic`. */
  readonly streams: Streams | undefined
  readonly topic: string
}

async function endOf(end: ReplayEnd, open: (address: string) => Promise<Streams>): Promise<End> {
  if (typeof end !== 'string') return { name: joinAddress(end.streams.address, end.topic), ...end }
  if (end === '-') return { name: end, streams: undefined, topic: end }
  if (!isAddress(end)) return { name: resolvePath(end), streams: undefined, topic: end }
  const { backend, topic } = topicAddress(end)
  return { name: joinAddress(absolute(backend), topic), streams: await open(backend), topic }
}

/** A log's address with its whole path: the same from whichever directory the command is repeated. */
function absolute(backend: string): string {
  const match = /^log:([^?]*)(.*)$/s.exec(backend)
  return match ? `log:${resolvePath(match[1]!)}${match[2]}` : backend
}

function checkOptions(from: ReplayEnd, to: ReplayEnd, options: ReplayOptions): void {
  const refuse = (message: string): never => {
    throw new StreamError('INVALID_ARGUMENT', message)
  }
  const { speed, rate, stateEvery } = options
  if (speed !== undefined && rate !== undefined) refuse('a speed and a rate exclude each other: give one')
  if (speed !== undefined && !(speed > 0)) refuse('the speed is a number above 0')
  if (rate !== undefined && !(rate > 0)) refuse('the rate is a number of records a second above 0')
  if (stateEvery !== undefined && !(Number.isInteger(stateEvery) && stateEvery >= 1)) {
    refuse('stateEvery is a whole number of records, 1 or more')
  }
  const isLines = (end: ReplayEnd): boolean => typeof end === 'string' && !isAddress(end)
  if (
    isLines(from) &&
    (options.from !== undefined || options.starts || options.partitions || options.until)
  ) {
    refuse('JSON Lines have no positions to start or end at: use --skip-lines, or filter the file')
  }
  if (!isLines(from) && options.skipLines) refuse('only JSON Lines have lines to skip: use --from')
  if (isLines(from) && isLines(to))
    refuse('neither end is a stream: one of them needs an address such as log:./data/TOPIC')
}

/** Another start would be another replay; how fast it goes and where progress is shown may change. */
async function openState(
  path: string,
  from: string,
  to: string,
  options: ReplayOptions,
): Promise<ReplayState | undefined> {
  if (options.dryRun) return undefined
  return await loadState(path, { from, to, options: fingerprint(options) })
}

/** What makes it this replay. Times are left out, because `-1h` is another one at each run: the state has the first. */
function fingerprint(options: ReplayOptions): string {
  const { from, starts, until, partitions, keys, keepPartitions, raw, groupOnly, skipLines } = options
  const shown = { from, starts, until, partitions, keys, keepPartitions, raw, groupOnly, skipLines }
  return JSON.stringify(shown, (name, value) => (name === 'timestamp' ? 'a time' : value))
}

/** With times as numbers, which JSON keeps as they are. */
function rangeOf({ from, starts, until }: ReplayOptions): ReplayState['range'] {
  const plain = <P extends From | Until | 'end'>(place: P): P =>
    typeof place === 'object' && 'timestamp' in place
      ? { ...place, timestamp: Number(place.timestamp) }
      : place
  return {
    ...(from !== undefined && { from: plain(from) }),
    ...(until !== undefined && { until: plain(until) }),
    ...(starts && {
      starts: Object.fromEntries(Object.entries(starts).map(([id, start]) => [id, plain(start)])),
    }),
  }
}

function filterOf({ keys, filter }: ReplayOptions): ReplayOptions['filter'] {
  if (keys === undefined) return filter
  const chosen = new Set(keys)
  return (record) =>
    record.key !== null && chosen.has(Buffer.from(record.key).toString()) && (filter?.(record) ?? true)
}

function newState(from: string, to: string, options: ReplayOptions, source: ReplaySource): ReplayState {
  return {
    version: 1,
    from,
    to,
    options: fingerprint(options),
    range: rangeOf(options),
    startedAt: Date.now(),
    ends: source.ends,
    after: {},
    done: [],
    records: 0,
    complete: false,
    clean: true,
    stateEvery: options.stateEvery ?? 10_000,
  }
}

function emptyReport(state: ReplayState | undefined): ReplayReport {
  return {
    ended: 'complete',
    records: 0,
    bytes: 0,
    filtered: 0,
    resumedAfter: state?.records ?? 0,
    mayRepeat: 0,
    oldest: undefined,
    newest: undefined,
    after: state?.after ?? {},
    redriven: 0,
    durationMs: 0,
  }
}
