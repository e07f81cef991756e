import { type From, type Position, StreamError, type Streams } from '../../index.ts'
import type { ReplayOptions, ReplayRecord } from './options.ts'
import { PartitionCursor } from './partition-cursor.ts'
import type { ReplayState } from './state-file.ts'

/** Where a replay's records come from. */
export interface ReplaySource {
  /** For the state: fixed when the replay first started. */
  readonly ends: Readonly<Record<string, Position | null>>
  /** Partitions of which all was given out. */
  readonly exhausted: readonly string[]
  /** Records given out. */
  readonly given: number
  /** How many are still to be given out, estimated; undefined where unknown. */
  readonly remaining: number | undefined
  chunks(): AsyncIterable<readonly ReplayRecord[]>
  close(): Promise<void>
}

const CHUNK_RECORDS = 1_000
const CHUNK_BYTES = 1024 * 1024
/** Over all partitions; each holds a batch and its reader has read another one ahead. */
const READ_AHEAD_BYTES = 32 * 1024 * 1024

/**
 * A topic's records up to an end that is fixed now (or by the state): each partition in order, parents before children, and
 * beyond that merged by their time, so that a paced replay keeps the original rhythm across partitions.
 */
export async function openTopicSource(
  streams: Streams,
  topic: string,
  options: ReplayOptions,
  state: ReplayState | undefined,
): Promise<ReplaySource> {
  const { partitions } = await streams.admin.describeTopic(topic)
  for (const id of [...(options.partitions ?? []), ...Object.keys(options.starts ?? {})]) {
    if (partitions.some((partition) => partition.id === id)) continue
    throw unknownPartition(
      topic,
      id,
      partitions.map((partition) => partition.id),
    )
  }
  const wanted = partitions.filter(({ id }) => {
    if (state !== undefined && !(id in state.ends)) return false // came after the replay had started
    if (state?.done.includes(id) || options.starts?.[id] === 'end') return false
    return options.partitions?.includes(id) ?? true
  })
  const ends = state?.ends ?? Object.fromEntries(wanted.map(({ id, latest }) => [id, latest]))
  for (const id of Object.keys(ends)) {
    if (state?.done.includes(id) || partitions.some((partition) => partition.id === id)) continue
    throw new StreamError(
      'POSITION_EXPIRED',
      `partition "${id}" of topic "${topic}" is gone and was not replayed to its end. Start again without the state, if the rest will do.`,
      { topic, partition: id },
    )
  }

  const { until = 'now' } = options
  const cursors = wanted.map((partition) => {
    const { id } = partition
    return new PartitionCursor(partition, {
      streams,
      topic,
      from: startOf(id, options, state),
      end: ends[id] ?? null,
      startedAt: state?.startedAt ?? Date.now(),
      untilTimestamp: typeof until === 'object' && 'timestamp' in until ? Number(until.timestamp) : undefined,
      untilAt: typeof until === 'object' && 'at' in until ? until.at : undefined,
      untilAfter: typeof until === 'object' && 'after' in until ? until.after : undefined,
      fetchMaxBytes: Math.max(64 * 1024, Math.min(1024 * 1024, READ_AHEAD_BYTES / (2 * wanted.length || 1))),
      keepPartitions: options.keepPartitions ?? false,
    })
  })
  return new MergedSource(cursors, ends)
}

function startOf(id: string, options: ReplayOptions, state: ReplayState | undefined): From {
  const after = state?.after[id]
  if (after !== undefined) return { after }
  const start = options.starts?.[id]
  return start === undefined || start === 'end' ? (options.from ?? 'earliest') : start
}

export function unknownPartition(topic: string, id: string, known: readonly string[]): StreamError {
  const some = known.length > 12 ? `${known.slice(0, 12).join(', ')} …` : known.join(', ')
  return new StreamError('NOT_FOUND', `topic "${topic}" has no partition "${id}". It has ${some}.`, {
    topic,
    partition: id,
  })
}

class MergedSource implements ReplaySource {
  given = 0
  readonly ends: Readonly<Record<string, Position | null>>
  private readonly cursors: readonly PartitionCursor[]

  constructor(cursors: readonly PartitionCursor[], ends: Readonly<Record<string, Position | null>>) {
    this.cursors = cursors
    this.ends = ends
  }

  get exhausted(): readonly string[] {
    return this.cursors.filter((cursor) => cursor.done).map((cursor) => cursor.id)
  }

  get remaining(): number | undefined {
    let sum = 0
    for (const cursor of this.cursors) {
      const left = cursor.remaining
      if (left === undefined) return undefined
      sum += left
    }
    return sum
  }

  async *chunks(): AsyncGenerator<readonly ReplayRecord[]> {
    let chunk: ReplayRecord[] = []
    let size = 0
    for (let ready = await this.ready(); ready.length > 0; ready = await this.ready()) {
      for (;;) {
        const cursor = oldest(ready)
        const record = cursor.take()
        this.given++
        chunk.push(record)
        size += (record.key?.length ?? 0) + (record.value?.length ?? 0)
        if (chunk.length >= CHUNK_RECORDS || size >= CHUNK_BYTES) {
          yield chunk
          chunk = []
          size = 0
        }
        if (!cursor.inView) break
      }
    }
    if (chunk.length > 0) yield chunk
  }

  /** The cursors that have a record in view; children of partitions that are still being read wait. Empty: all is read. */
  private async ready(): Promise<readonly PartitionCursor[]> {
    for (;;) {
      const open = this.cursors.filter((cursor) => !cursor.done)
      const unread = new Set(open.map((cursor) => cursor.id))
      const ready = open.filter((cursor) => !cursor.parents.some((parent) => unread.has(parent)))
      const blind = ready.filter((cursor) => !cursor.inView)
      if (blind.length === 0) return ready
      // fetched together; then looked at again, as one that ended may set its children free
      await Promise.all(blind.map((cursor) => cursor.fill()))
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.cursors.map((cursor) => cursor.close()))
  }
}

function oldest(cursors: readonly PartitionCursor[]): PartitionCursor {
  let found = cursors[0]!
  for (const cursor of cursors) {
    if (cursor.head!.timestamp < found.head!.timestamp) found = cursor
  }
  return found
}
