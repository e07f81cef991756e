import { KafkaError } from '../wire/error-codes.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import type { FetchedPartition, FetchResponse } from '../wire/protocol/fetch.ts'

/** What is asked of one partition. */
export interface PartitionAsk extends TopicPartition {
  readonly offset: number
  readonly maxBytes: number
  readonly leaderEpoch: number
}

interface Held {
  ask: PartitionAsk
  /** What the broker said of it last. */
  last: FetchedPartition | undefined
}

export interface SessionRequest<Ask> {
  readonly session: { readonly id: number; readonly epoch: number }
  readonly partitions: readonly Ask[]
  readonly forgotten: readonly TopicPartition[]
}

/** Below this a request is so small that a session saves nothing; brokers remember some hundreds of sessions only. */
const WORTH_PARTITIONS = 16
const WITHOUT = { id: 0, epoch: -1 } as const
const MAX_EPOCH = 0x7fff_ffff
const NOTHING = Buffer.alloc(0)
/** The broker knows nothing of the session, or not what this client does. */
const LOST: ReadonlySet<number> = new Set([
  KafkaError.FETCH_SESSION_ID_NOT_FOUND,
  KafkaError.INVALID_FETCH_SESSION_EPOCH,
  KafkaError.FETCH_SESSION_TOPIC_ID_ERROR,
])

/**
 * A fetch session of one connection (KIP-227): the broker remembers what was asked, so that requests name only what has changed and
 * answers only what is new. One request at a time.
 */
export class FetchSession {
  #id = 0
  #epoch = 0
  readonly #held = new Map<string, Held>()

  /** What to send for these asks, and no others. */
  request<Ask extends PartitionAsk>(asks: readonly Ask[]): SessionRequest<Ask> {
    if (this.#id === 0 && asks.length < WORTH_PARTITIONS) {
      this.#remember(asks)
      return { session: WITHOUT, partitions: asks, forgotten: [] }
    }
    if (this.#id === 0) {
      this.#remember(asks)
      return { session: { id: 0, epoch: 0 }, partitions: asks, forgotten: [] }
    }
    const keys = new Set(asks.map(keyOf))
    const forgotten: TopicPartition[] = []
    for (const [key, { ask }] of this.#held) {
      if (keys.has(key)) continue
      forgotten.push(ask)
      this.#held.delete(key)
    }
    const changed = asks.filter((ask) => {
      const held = this.#held.get(keyOf(ask))
      if (held === undefined) this.#held.set(keyOf(ask), { ask, last: undefined })
      else if (isSame(held.ask, ask)) return false
      else held.ask = ask
      return true
    })
    return { session: { id: this.#id, epoch: this.#epoch }, partitions: changed, forgotten }
  }

  /**
   * What an answer says of each partition that was asked for: in an incremental one, those that are left out have nothing new. Undefined
   * where the session is lost: ask again.
   */
  answered({ errorCode, session, partitions }: FetchResponse): readonly FetchedPartition[] | undefined {
    if (LOST.has(errorCode)) {
      this.reset()
      return undefined
    }
    const isIncremental = this.#id !== 0
    if (session === 0) this.reset(false)
    else if (!isIncremental) {
      this.#id = session
      this.#epoch = 1
    } else this.#epoch = this.#epoch === MAX_EPOCH ? 1 : this.#epoch + 1
    const named = new Set<string>()
    for (const partition of partitions) {
      const held = this.#held.get(keyOf(partition))
      // Errors are told each time.
      const isWell = partition.errorCode === KafkaError.NONE
      const quiet = { ...partition, records: NOTHING, aborted: [], preferredReplica: -1 }
      if (held !== undefined) held.last = isWell ? quiet : undefined
      named.add(keyOf(partition))
    }
    if (!isIncremental) return partitions
    const quiet: FetchedPartition[] = []
    for (const [key, { ask, last }] of this.#held) {
      if (!named.has(key)) quiet.push(last ?? nothingOf(ask))
    }
    return [...partitions, ...quiet]
  }

  /** Begins anew: the connection was lost, or the broker has forgotten it. */
  reset(forget = true): void {
    this.#id = 0
    this.#epoch = 0
    if (forget) this.#held.clear()
  }

  #remember(asks: readonly PartitionAsk[]): void {
    this.#held.clear()
    for (const ask of asks) this.#held.set(keyOf(ask), { ask, last: undefined })
  }
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${partition}/${topic}`

const isSame = (a: PartitionAsk, b: PartitionAsk): boolean =>
  a.offset === b.offset && a.maxBytes === b.maxBytes && a.leaderEpoch === b.leaderEpoch

/** A partition of which nothing was ever said. */
function nothingOf({ topic, partition, offset }: PartitionAsk): FetchedPartition {
  return {
    topic,
    partition,
    errorCode: KafkaError.NONE,
    highWatermark: offset,
    lastStable: -1,
    logStart: -1,
    aborted: [],
    preferredReplica: -1,
    records: NOTHING,
  }
}
