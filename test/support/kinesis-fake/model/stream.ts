import { ServiceError } from '../../aws-faults/service-error.ts'
import type { Limits } from '../limits.ts'
import { type Consumer, consumerGone } from './consumer.ts'
import { evenRanges, evenStarts, type HashRange } from './hash-range.ts'
import { Shard } from './shard.ts'

export interface StreamOptions {
  readonly name: string
  readonly arn: string
  readonly account: string
  readonly createdMs: number
  readonly shardCount: number
  readonly mode: 'PROVISIONED' | 'ON_DEMAND'
  readonly maxRecordKiB: number
  readonly distribution: string | undefined
  readonly tags: Readonly<Record<string, string>>
  readonly limits: Limits
  readonly keepRecords: number
  readonly steady: () => number
  readonly random: () => number
}

export type StreamStatus = 'CREATING' | 'ACTIVE' | 'UPDATING' | 'DELETING'

/** A stream: its settings and all its shards, open and closed. */
export class Stream {
  readonly name: string
  readonly arn: string
  readonly createdMs: number
  status: StreamStatus = 'CREATING'
  mode: 'PROVISIONED' | 'ON_DEMAND'
  retentionHours = 24
  maxRecordKiB: number
  distribution: string | undefined
  readonly tags: ReadonlyMap<string, string>
  readonly consumers = new Map<string, Consumer>()
  readonly #options: StreamOptions
  /** In the order of their ids. */
  #shards: Shard[] = []
  /** In the order of their ranges. */
  #open: Shard[] = []
  #made = 0
  #trimmedToMs = 0

  constructor(options: StreamOptions) {
    this.name = options.name
    this.arn = options.arn
    this.createdMs = options.createdMs
    this.mode = options.mode
    this.maxRecordKiB = options.maxRecordKiB
    this.distribution = options.distribution
    this.tags = new Map(Object.entries(options.tags))
    this.#options = options
    for (const range of evenRanges(options.shardCount)) this.#add(range, [], options.createdMs)
  }

  get shards(): readonly Shard[] {
    return this.#shards
  }

  get open(): readonly Shard[] {
    return this.#open
  }

  /** As error messages name it. */
  get where(): string {
    return `stream ${this.name} under account ${this.#options.account}`
  }

  shard(id: string): Shard {
    const shard = this.#shards.find((candidate) => candidate.id === id)
    if (shard !== undefined) return shard
    throw new ServiceError('ResourceNotFoundException', `Shard ${id} in ${this.where} does not exist`)
  }

  /** The open shard for a hash of 32 hexadecimal digits. */
  route(hex: string): Shard {
    let low = 0
    let high = this.#open.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if (this.#open[middle]!.startHex <= hex) low = middle
      else high = middle - 1
    }
    return this.#open[low]!
  }

  split(shard: Shard, at: bigint, nowMs: number): void {
    this.checkSplit(shard, at)
    const low = { start: shard.range.start, end: at - 1n }
    this.#replace([shard], [low, { start: at, end: shard.range.end }], nowMs)
  }

  /** Throws where `split` would. */
  checkSplit(shard: Shard, at: bigint): void {
    this.#mustBeOpen(shard)
    if (at > shard.range.start && at <= shard.range.end) return
    throw new ServiceError(
      'InvalidArgumentException',
      `NewStartingHashKey ${at} used in SplitShard() on shard ${shard.id} in ${this.where} is not both greater than the shard's StartingHashKey ${shard.range.start} and at most its EndingHashKey ${shard.range.end}.`,
    )
  }

  merge(shard: Shard, adjacent: Shard, nowMs: number): void {
    this.checkMerge(shard, adjacent)
    const [low, high] = shard.range.start < adjacent.range.start ? [shard, adjacent] : [adjacent, shard]
    this.#replace([shard, adjacent], [{ start: low.range.start, end: high.range.end }], nowMs)
  }

  /** Throws where `merge` would. */
  checkMerge(shard: Shard, adjacent: Shard): void {
    this.#mustBeOpen(shard)
    this.#mustBeOpen(adjacent)
    const [low, high] = shard.range.start < adjacent.range.start ? [shard, adjacent] : [adjacent, shard]
    if (low.range.end + 1n === high.range.start) return
    throw new ServiceError(
      'InvalidArgumentException',
      `Shards ${shard.id} and ${adjacent.id} in ${this.where} are not an adjacent pair of shards eligible for merging`,
    )
  }

  /** To even ranges, by splits and merges of two: generations of a moment lie between the old shards and the new. */
  scaleTo(count: number, nowMs: number): void {
    const starts = evenStarts(count)
    for (const start of starts) {
      const shard = this.#open.find(({ range }) => range.start < start && start <= range.end)
      if (shard !== undefined) this.split(shard, start, nowMs)
    }
    const kept = new Set(starts)
    for (let i = 0; i + 1 < this.#open.length; ) {
      if (kept.has(this.#open[i + 1]!.range.start)) i++
      else this.merge(this.#open[i]!, this.#open[i + 1]!, nowMs)
    }
  }

  /** Records that arrived before `ms` vanish, as do shards that were closed before. All shards, or one's records alone. */
  trim(ms: number, shardId?: string): void {
    for (const shard of this.#shards) if (shardId === undefined || shard.id === shardId) shard.trim(ms)
    if (shardId !== undefined) return
    this.#trimmedToMs = Math.max(this.#trimmedToMs, ms)
    this.#shards = this.#shards.filter(({ closedMs }) => closedMs === undefined || closedMs >= ms)
  }

  /** Lets go what retention has ended for, and gives the time that the oldest record may have. */
  expire(nowMs: number): number {
    const horizonMs = nowMs - this.retentionHours * 3_600_000
    if (horizonMs > this.createdMs) this.trim(horizonMs)
    return Math.max(horizonMs, this.#trimmedToMs, this.createdMs)
  }

  consumer(test: (consumer: Consumer) => boolean, named: string): Consumer {
    const consumer = this.consumers.values().find(test)
    if (consumer !== undefined) return consumer
    throw consumerGone(named, this.#options.account)
  }

  #mustBeOpen(shard: Shard): void {
    if (shard.closedMs === undefined) return
    throw new ServiceError(
      'ResourceInUseException',
      `Shard ${shard.id} in ${this.where} has already been merged or split, and thus is not eligible for merging or splitting.`,
    )
  }

  #replace(parents: readonly Shard[], ranges: readonly HashRange[], nowMs: number): void {
    const children = ranges.map((range) => this.#add(range, parents, nowMs))
    this.#open = this.#open.filter((shard) => !parents.includes(shard))
    for (const parent of parents) parent.close(nowMs, children)
  }

  #add(range: HashRange, parents: readonly Shard[], openedMs: number): Shard {
    const { limits, keepRecords, steady, random } = this.#options
    const shard = new Shard({
      index: this.#made++,
      range,
      parents,
      openedMs,
      limits,
      keepRecords,
      steady,
      random,
    })
    this.#shards.push(shard)
    this.#open.push(shard)
    this.#open.sort((a, b) => (a.startHex < b.startHex ? -1 : 1))
    return shard
  }
}
