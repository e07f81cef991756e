import { setTimeout as wait } from 'node:timers/promises'
import type { From, Position, Streams } from '../index.ts'
import { bytesTopic } from '../tools/bytes-topic.ts'
import { counted } from './human.ts'
import type { Interruption } from './interruption.ts'
import type { Print } from './record-printer.ts'

export interface GroupOptions {
  readonly group: string
  readonly from: From | undefined
  readonly untilNow: boolean
  readonly max: number | undefined
}

const POLL_MS = 100

/** Prints as a member of a group; what standard output took is checkpointed, so the next member goes on after it. */
export async function consumeAsGroup(
  streams: Streams,
  topic: string,
  { group, from, untilNow, max = Number.POSITIVE_INFINITY }: GroupOptions,
  print: Print,
  interruption: Interruption,
): Promise<void> {
  const finished = new AbortController()
  const signal = AbortSignal.any([interruption.signal, finished.signal])
  const ends = untilNow ? await endsOf(streams, topic) : undefined
  let read = 0
  let failure: { error: unknown } | undefined

  await using consumer = streams.consumer({
    group,
    topics: [bytesTopic(topic)],
    ...(from !== undefined && { from }),
    // as many as were printed are to be checkpointed, and the record after them is waiting at the gate below
    checkpoint: max === Number.POSITIVE_INFINITY ? 'manual' : { intervalMs: 500 },
    ...(max !== Number.POSITIVE_INFINITY && { drainTimeoutMs: 500 }),
    signal,
  })
  const watching =
    ends &&
    watchUntil(streams, group, topic, ends, signal).then((reached) => {
      if (reached) finished.abort()
    })
  watching?.catch((error: unknown) => {
    failure ??= { error }
    finished.abort()
  })

  try {
    if (max === Number.POSITIVE_INFINITY) {
      for await (const batch of consumer) {
        await print(batch.records)
        read += batch.length
        await batch.checkpoint()
      }
    } else {
      await consumer.run({
        each: async (record, context) => {
          if (read === max) {
            await wait(2 ** 30, undefined, { signal: context.signal })
          }
          await print([record]).catch((error: unknown) => {
            failure ??= { error }
            finished.abort()
            throw error
          })
          if (++read === max) finished.abort()
        },
        retry: { attempts: 1 },
        signal,
      })
    }
  } catch (error) {
    if (failure === undefined && !signal.aborted) throw error
  }
  await consumer.close()
  await watching?.catch(() => {})
  if (failure !== undefined) throw failure.error
  if (!interruption.signal.aborted) return
  process.stderr.write(
    `millrace: read ${counted(read, 'record')}, checkpointed. To go on: the same command, --group ${group}\n`,
  )
  interruption.throwIfInterrupted()
}

async function endsOf(streams: Streams, topic: string): Promise<Map<string, Position | null>> {
  const { partitions } = await streams.admin.describeTopic(topic)
  return new Map(partitions.map(({ id, latest }) => [id, latest]))
}

/** Resolves true when the group, whichever members it has, is past the ends as they stood; false when aborted. */
async function watchUntil(
  streams: Streams,
  group: string,
  topic: string,
  ends: ReadonlyMap<string, Position | null>,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    const description = await streams.groups.describeGroup(group).catch((error: { code?: string }) => {
      if (error.code === 'NOT_FOUND') return undefined // not joined yet
      throw error
    })
    const own = new Map(
      description?.partitions.filter((each) => each.topic === topic).map((each) => [each.partition, each]),
    )
    const reached = [...ends].every(([id, end]) => {
      const partition = own.get(id)
      if (partition === undefined) return false
      if (partition.ended || partition.lag.records === 0 || partition.lag.millis === 0) return true
      if (end === null || partition.position === null) return false
      return streams.comparePositions(partition.position, end) >= 0
    })
    if (reached) return true
    await wait(POLL_MS, undefined, { signal }).catch(() => {})
  }
  return false
}
