import type { PartitionLane } from './partition-lane.ts'

/** So much goes at once, of one partition or of all; less waits a moment for more while requests are on their way. */
const WORTH_LANE_BYTES = 64 * 1024
const WORTH_BYTES = 512 * 1024

/**
 * The lanes that have something for one broker. What is little gathers while a request is on its way there: a broker carries out
 * the requests of a connection one after another, so many small ones would wait for each other.
 */
export class BrokerQueue {
  readonly node: number
  /** Requests without an answer. */
  onTheirWay = 0
  /** How long what is little still waits. */
  linger: NodeJS.Timeout | undefined
  /** With the bytes that each was counted with. */
  readonly #lanes = new Map<PartitionLane, number>()
  #bytes = 0
  #isWorthwhile = false

  constructor(node: number) {
    this.node = node
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0
  }

  /** Whether what is here is to be sent now, and not after the linger. */
  get isDue(): boolean {
    return !this.isEmpty && (this.onTheirWay === 0 || this.#isWorthwhile || this.#bytes >= WORTH_BYTES)
  }

  add(lane: PartitionLane): void {
    const bytes = lane.queuedBytes
    this.#bytes += bytes - (this.#lanes.get(lane) ?? 0)
    this.#lanes.set(lane, bytes)
    if (bytes >= WORTH_LANE_BYTES) this.#isWorthwhile = true
  }

  /** All lanes, in the order in which they came. */
  take(): PartitionLane[] {
    const lanes = [...this.#lanes.keys()]
    this.clear()
    return lanes
  }

  clear(): void {
    clearTimeout(this.linger)
    this.linger = undefined
    this.#lanes.clear()
    this.#bytes = 0
    this.#isWorthwhile = false
  }
}
