import { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { Kinesis } from '../parts.ts'
import { FallbackSource } from './fallback-source.ts'
import { FAN_OUT_TIMES, FanOutSource, type FanOutTimes } from './fan-out-source.ts'
import { PollingSource } from './polling-source.ts'
import type { ReadingLimits } from './reading-limits.ts'
import { claimShard } from './shard-claims.ts'
import { ShardEnds } from './shard-ends.ts'
import type { ShardSource, StartingPlace } from './shard-source.ts'
import { streamConsumer } from './stream-consumers.ts'

/** A reader that is on its way out is waited for. Milliseconds. */
const HAND_OVER_MS = 5_000

export interface SourceTimes {
  readonly limits: ReadingLimits
  readonly fanOut?: FanOutTimes
  readonly handOverMs?: number
}

/** The records of a shard from a place on, by fan-out where the address names a consumer. */
export async function openSource(
  kinesis: Kinesis,
  stream: string,
  shardId: string,
  place: StartingPlace,
  { limits, fanOut = FAN_OUT_TIMES, handOverMs = HAND_OVER_MS }: SourceTimes,
): Promise<ShardSource> {
  const { fanout, fallback } = kinesis.settings
  const ends = new ShardEnds(kinesis, stream, shardId)
  const polling = (from: StartingPlace): ShardSource =>
    new PollingSource(kinesis, stream, shardId, from, ends, limits)
  if (fanout === undefined) return polling(place)
  const pollingInstead = (from: StartingPlace, why: StreamError): ShardSource => {
    kinesis.logger.warn(`${shardId} of '${stream}' is read by polling, as fallback= has it: ${why.message}`)
    return polling(from)
  }
  try {
    const consumer = await streamConsumer(kinesis, stream, fanout)
    const claim = await claimShard(`${kinesis.settings.endpoint ?? ''} ${consumer} ${shardId}`, handOverMs)
    if (claim === undefined) throw taken(stream, shardId, fanout)
    const source = new FanOutSource(kinesis, stream, shardId, fanout, claim, place, ends, fanOut)
    return fallback === undefined ? source : new FallbackSource(source, pollingInstead)
  } catch (error) {
    const why = classify(error)
    if (fallback === undefined || why.retryable || why.code === 'NOT_FOUND') throw error
    return pollingInstead(place, why)
  }
}

/** Two readers with one subscription would take it from each other every five seconds. */
function taken(topic: string, partition: string, consumer: string): StreamError {
  return new StreamError(
    'UNSUPPORTED',
    `consumer '${consumer}' has one subscription to ${partition} of '${topic}', and another reader of this process holds it: use another fanout=NAME for this one, or add fallback=polling`,
    { topic, partition },
  )
}
