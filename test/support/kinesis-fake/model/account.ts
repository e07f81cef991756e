import { ServiceError } from '../../aws-faults/service-error.ts'
import type { Settings } from '../options.ts'
import { RateBucket } from './rate-bucket.ts'
import { Stream } from './stream.ts'

export interface StreamInput {
  readonly StreamName?: string
  readonly StreamARN?: string
}

/** All streams of the account. */
export class Account {
  readonly streams = new Map<string, Stream>()
  readonly #settings: Settings
  readonly #steady: () => number
  readonly #random: () => number
  readonly #calls = new Map<string, RateBucket>()
  /** Changes that are under way, and what ends their waiting. */
  readonly #pending = new Map<() => void, NodeJS.Timeout | undefined>()

  constructor(settings: Settings, steady: () => number, random: () => number) {
    this.#settings = settings
    this.#steady = steady
    this.#random = random
  }

  arnOf(streamName: string): string {
    return `arn:aws:kinesis:${this.#settings.region}:${this.#settings.accountId}:stream/${streamName}`
  }

  create(
    name: string,
    options: {
      readonly shardCount: number
      readonly mode: 'PROVISIONED' | 'ON_DEMAND'
      readonly maxRecordKiB: number
      readonly distribution: string | undefined
      readonly tags: Readonly<Record<string, string>>
      readonly nowMs: number
    },
  ): Stream {
    if (this.streams.has(name)) {
      throw new ServiceError(
        'ResourceInUseException',
        `Stream ${name} under account ${this.#settings.accountId} already exists.`,
      )
    }
    const { accountId, limits, keepRecords } = this.#settings
    const stream = new Stream({
      ...options,
      name,
      arn: this.arnOf(name),
      account: accountId,
      createdMs: options.nowMs,
      limits,
      keepRecords,
      steady: this.#steady,
      random: this.#random,
    })
    this.streams.set(name, stream)
    this.settle(() => {
      if (stream.status === 'CREATING') stream.status = 'ACTIVE'
    })
    return stream
  }

  /** By name or ARN. Throws ResourceNotFoundException. */
  stream({ StreamName, StreamARN }: StreamInput): Stream {
    const name = StreamName ?? streamOfArn(StreamARN)
    if (name === undefined) {
      throw new ServiceError('InvalidArgumentException', 'Missing StreamName or StreamARN.')
    }
    const stream = this.streams.get(name)
    if (stream !== undefined && (StreamARN === undefined || StreamARN.startsWith(stream.arn))) return stream
    throw new ServiceError(
      'ResourceNotFoundException',
      `Stream ${name} under account ${this.#settings.accountId} not found.`,
    )
  }

  /** One whose records can be written and read. */
  servingStream(input: StreamInput): Stream {
    const stream = this.stream(input)
    if (stream.status === 'ACTIVE' || stream.status === 'UPDATING') return stream
    throw new ServiceError(
      'ResourceNotFoundException',
      `Stream ${stream.name} under account ${this.#settings.accountId} not found.`,
    )
  }

  /** One that can be changed. Throws ResourceInUseException while it is being changed. */
  settledStream(input: StreamInput): Stream {
    const stream = this.stream(input)
    if (stream.status === 'ACTIVE') return stream
    throw new ServiceError(
      'ResourceInUseException',
      `Stream ${stream.name} under account ${this.#settings.accountId} not ACTIVE, instead in state ${stream.status}`,
    )
  }

  /** Does it when the service would have it done. The stream is UPDATING until then. */
  change(stream: Stream, change: () => void): void {
    stream.status = 'UPDATING'
    this.settle(() => {
      if (stream.status !== 'UPDATING') return
      change()
      stream.status = 'ACTIVE'
    })
  }

  settle(then: () => void): void {
    const { settleMs } = this.#settings
    if (settleMs === 0) return then()
    const done = (): void => {
      clearTimeout(this.#pending.get(done))
      this.#pending.delete(done)
      then()
    }
    this.#pending.set(done, settleMs === Infinity ? undefined : setTimeout(done, settleMs))
  }

  /** Lets all changes that are under way be done. */
  settleNow(): void {
    for (const done of [...this.#pending.keys()]) done()
  }

  /** Throws LimitExceededException beyond the calls a second that the operation has. */
  limitCalls(operation: string, stream: string | undefined): void {
    const perSecond = this.#settings.limits.calls[operation]
    if (perSecond === undefined) return
    const key = `${operation} ${operation.startsWith('Describe') ? '' : stream}`
    let bucket = this.#calls.get(key)
    if (bucket === undefined) this.#calls.set(key, (bucket = new RateBucket(perSecond, this.#steady)))
    if (!bucket.take(1)) {
      throw new ServiceError(
        'LimitExceededException',
        `Rate exceeded for account ${this.#settings.accountId}.`,
      )
    }
  }

  stop(): void {
    for (const timer of this.#pending.values()) clearTimeout(timer)
    this.#pending.clear()
    for (const { consumers } of this.streams.values()) {
      for (const { subscriptions } of consumers.values()) {
        for (const subscription of subscriptions.values()) subscription.interrupt({ kind: 'cut-events' })
      }
    }
  }
}

/** The stream's name in its own ARN or a consumer's. */
export const streamOfArn = (arn: string | undefined): string | undefined =>
  arn?.match(/:stream\/([^/]+)/)?.[1]
