import type { KafkaCluster } from '../parts.ts'
import { errorOf, KafkaError } from '../wire/error-codes.ts'
import { type FetchedPartition, fetch } from '../wire/protocol/fetch.ts'
import { FetchSession, type PartitionAsk } from './fetch-session.ts'

/** What a reader waits for. */
export interface FetchAsk extends PartitionAsk {
  /** `performance.now()` when its reader began to wait: who waits longest comes first in the request, and so gets a batch of any size. */
  readonly since: number
  /** What its reader has room for. `maxBytes` is more where its batches are larger than that. */
  readonly wantedBytes: number
}

interface Waiting {
  ask: FetchAsk
  /** `performance.now()` when it came here. */
  readonly from: number
  resolve(answer: FetchedPartition): void
  reject(error: unknown): void
}

/**
 * Requests under way at once. The last one that is free waits but shortly, so that a partition whose reader comes back while
 * others wait for records is not held up by them.
 */
const MAX_REQUESTS = 3
const LONG_WAIT_MS = 500
const SHORT_WAIT_MS = 25
/** Beside what the broker may wait, for an answer that takes long to send. Milliseconds. */
const ANSWER_MS = 10_000
const MAX_ANSWER_BYTES = 64 << 20
/** Room in an answer for batches that are larger than what their readers want. */
const LEAST_ANSWER_BYTES = 4 << 20

/**
 * Fetches from one broker, under one isolation: all partitions whose readers wait go into one request. Those of which it brings nothing
 * wait on in the next one: readers of quiet partitions are not woken each time that something comes for others.
 */
export class NodeFetcher {
  readonly #cluster: KafkaCluster
  readonly #node: number
  readonly #isolation: 'committed' | 'uncommitted'
  #waiting: Waiting[] = []
  readonly #busy = new Set<number>()
  /** One a connection. */
  readonly #sessions = Array.from({ length: MAX_REQUESTS }, () => new FetchSession())
  #scheduled: NodeJS.Immediate | undefined

  constructor(cluster: KafkaCluster, node: number, isolation: 'committed' | 'uncommitted') {
    this.#cluster = cluster
    this.#node = node
    this.#isolation = isolation
  }

  /** Resolves with what was brought, nothing after a while without; rejects where the whole request failed. */
  fetch(ask: FetchAsk): Promise<FetchedPartition> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ask, from: performance.now(), resolve, reject })
      this.#schedule()
    })
  }

  /** Ends requests under way; nobody waits for them any more. */
  stop(): void {
    clearImmediate(this.#scheduled)
    this.#scheduled = undefined
    this.#waiting = []
    for (const lane of this.#busy) this.#cluster.wire.closeLane(this.#laneName(lane))
    for (let lane = 0; lane < MAX_REQUESTS; lane++) this.#cluster.wire.closeLane(this.#laneName(lane))
    for (const session of this.#sessions) session.reset()
  }

  /** At the end of this turn: readers that get records together ask again together. */
  #schedule(): void {
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined
      this.#flush()
    })
  }

  #flush(): void {
    while (this.#waiting.length > 0 && this.#busy.size < MAX_REQUESTS) {
      const taken = new Map<string, Waiting>()
      const left: Waiting[] = []
      for (const waiting of this.#waiting.sort((a, b) => a.ask.since - b.ask.since)) {
        const key = `${waiting.ask.topic}/${waiting.ask.partition}`
        // A request names a partition once.
        if (taken.has(key)) left.push(waiting)
        else taken.set(key, waiting)
      }
      this.#waiting = left
      void this.#send(taken)
    }
  }

  async #send(taken: ReadonlyMap<string, Waiting>): Promise<void> {
    let lane = 0
    while (this.#busy.has(lane)) lane++
    this.#busy.add(lane)
    const maxWaitMs = this.#busy.size === MAX_REQUESTS ? SHORT_WAIT_MS : LONG_WAIT_MS
    const session = this.#sessions[lane]!
    const asks = Array.from(taken.values(), ({ ask }) => ask)
    const maxBytes = roomFor(asks)
    try {
      const answer = await this.#cluster.wire.request(
        { kind: 'node', node: this.#node },
        fetch,
        {
          maxWaitMs,
          minBytes: 1,
          maxBytes,
          isolation: this.#isolation,
          rack: this.#cluster.rack ?? '',
          ...session.request(asks),
        },
        { lane: this.#laneName(lane), timeoutMs: maxWaitMs + ANSWER_MS },
      )
      const answers = session.answered(answer)
      // The session began anew: all ask again at once.
      if (answers === undefined) this.#waiting.push(...taken.values())
      else if (answer.errorCode !== KafkaError.NONE) {
        throw errorOf(answer.errorCode, `fetching from node ${this.#node}`)
      } else this.#waiting.push(...hand(answers, taken, maxBytes))
    } catch (error) {
      session.reset()
      for (const { reject } of taken.values()) reject(error)
    } finally {
      this.#busy.delete(lane)
      if (this.#waiting.length > 0) this.#schedule()
    }
  }

  #laneName(lane: number): string {
    return `fetch-${this.#isolation}-${this.#node}-${lane}`
  }
}

/** How large an answer may be. */
function roomFor(asks: readonly FetchAsk[]): number {
  let most = 0
  let wanted = 0
  for (const { maxBytes, wantedBytes } of asks) {
    most += maxBytes
    wanted += wantedBytes
  }
  return Math.min(most, Math.max(wanted, LEAST_ANSWER_BYTES), MAX_ANSWER_BYTES)
}

/** Gives readers what an answer with room for `maxBytes` brought. Returns those who wait on. */
function hand(
  answers: readonly FetchedPartition[],
  taken: ReadonlyMap<string, Waiting>,
  maxBytes: number,
): Waiting[] {
  const total = answers.reduce((sum, { records }) => sum + records.length, 0)
  const waitedLong = performance.now() - LONG_WAIT_MS
  const left = new Set(taken.values())
  const waitOn: Waiting[] = []
  for (const answer of answers) {
    const waiting = taken.get(`${answer.topic}/${answer.partition}`)
    if (waiting === undefined) continue
    left.delete(waiting)
    if (isQuiet(answer) && waiting.from > waitedLong) {
      const { ask } = waiting
      const visible = answer.lastStable < 0 ? answer.highWatermark : answer.lastStable
      // There is something and there was room, but brokers give no part of a batch.
      const tooLittle = visible > ask.offset && total + ask.maxBytes <= maxBytes
      if (tooLittle) waiting.ask = { ...ask, maxBytes: Math.min(2 * ask.maxBytes, MAX_ANSWER_BYTES) }
      waitOn.push(waiting)
      continue
    }
    const { records } = answer
    // A small part of an answer would keep all of it in memory.
    const own = records.length > 0 && records.length < total / 2 ? Buffer.from(records) : records
    waiting.resolve(own === records ? answer : { ...answer, records: own })
  }
  const missing = new Error('the broker left a partition out of its answer')
  for (const { reject } of left) reject(missing)
  return waitOn
}

const isQuiet = ({ errorCode, records, preferredReplica }: FetchedPartition): boolean =>
  errorCode === KafkaError.NONE && records.length === 0 && preferredReplica < 0
