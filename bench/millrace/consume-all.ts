import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { RunOptions, StreamRecord, Streams, TopicLike } from '../../src/index.ts'
import type { Round } from '../harness/contender.ts'
import { startClock } from '../harness/timed.ts'

type Handlers = Pick<
  RunOptions<StreamRecord<Uint8Array, Uint8Array | string>>,
  'each' | 'batch' | 'concurrency'
>

/**
 * Times a new group from the making of its consumer until its handler has had all records: the join is in it, the leaving not.
 * `fromAssignment`: the join is not in it either.
 */
export async function consumeAll(
  streams: Streams,
  topic: TopicLike,
  records: number,
  handlers: (done: (count: number) => void) => Handlers,
  fromAssignment = false,
): Promise<Round> {
  let left = records
  let round: Round | undefined
  const finished = Promise.withResolvers<void>()
  let stop = startClock()
  const consumer = streams.consumer({ group: `bench-${randomUUID()}`, topics: [topic] })
  const running = consumer.run(
    handlers((count) => {
      left -= count
      if (left > 0) return
      round = stop(records)
      finished.resolve()
    }) as Parameters<typeof consumer.run>[0],
  )
  if (fromAssignment) {
    while (consumer.stats.assignments.length === 0) await Promise.race([pause(1), running])
    stop = startClock()
  }
  await Promise.race([finished.promise, running])
  await consumer.close()
  await running
  if (round === undefined) throw new Error(`the consumer ended with ${left} records to come`)
  return round
}
