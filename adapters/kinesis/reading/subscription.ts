import type {
  StartingPosition,
  SubscribeToShardEvent,
  SubscribeToShardEventStream,
} from '@aws-sdk/client-kinesis'
import { StreamError } from '../../../src/driver.ts'
import type { Kinesis } from '../parts.ts'
import type { StartingPlace } from './shard-source.ts'

/** One SubscribeToShard: events for five minutes at most. They are taken from the connection only when asked for. */
export class Subscription {
  /** `performance.now()` when it began. */
  readonly since = performance.now()
  readonly #aborter: AbortController
  readonly #events: AsyncIterator<SubscribeToShardEventStream>

  private constructor(aborter: AbortController, events: AsyncIterable<SubscribeToShardEventStream>) {
    this.#aborter = aborter
    this.#events = events[Symbol.asyncIterator]()
  }

  static async open(
    { service }: Kinesis,
    consumerArn: string,
    shardId: string,
    place: StartingPlace,
  ): Promise<Subscription> {
    const aborter = new AbortController()
    const { EventStream } = await service.subscribe(
      { ConsumerARN: consumerArn, ShardId: shardId, StartingPosition: startingPosition(place) },
      aborter.signal,
    )
    return new Subscription(aborter, EventStream!)
  }

  /**
   * The next event; undefined where the service has ended the subscription, as it does when another one takes its place. Rejects TIMEOUT after
   * `silenceMs` without one.
   */
  async next(silenceMs: number): Promise<SubscribeToShardEvent | undefined> {
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(silent(silenceMs)), silenceMs)
    })
    try {
      for (;;) {
        const { done, value } = await Promise.race([this.#events.next(), silence])
        if (done) return undefined
        if (value.SubscribeToShardEvent !== undefined) return value.SubscribeToShardEvent
        const failure = Object.values(value)[0]
        // The SDK throws errors of the stream that it knows; others come as events.
        if (failure instanceof Error) throw failure
      }
    } finally {
      clearTimeout(timer)
    }
  }

  close(): void {
    this.#aborter.abort()
    this.#events.return?.().catch(() => {})
  }
}

function startingPosition(place: StartingPlace): StartingPosition {
  return {
    Type: place.type,
    ...('sequence' in place ? { SequenceNumber: place.sequence } : {}),
    ...('timestamp' in place ? { Timestamp: new Date(place.timestamp) } : {}),
  }
}

function silent(ms: number): StreamError {
  return new StreamError('TIMEOUT', `a subscription was silent for ${ms} ms: it is opened again`)
}
