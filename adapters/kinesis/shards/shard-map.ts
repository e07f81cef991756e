import { StreamError } from '../../../src/driver.ts'
import type { Shard, ShardMap } from './stream-catalog.ts'

/** As ListShards tells it. */
export interface ListedShard {
  readonly ShardId?: string | undefined
  readonly ParentShardId?: string | undefined
  readonly AdjacentParentShardId?: string | undefined
  readonly HashKeyRange?:
    | { readonly StartingHashKey?: string | undefined; readonly EndingHashKey?: string | undefined }
    | undefined
  readonly SequenceNumberRange?:
    | {
        readonly StartingSequenceNumber?: string | undefined
        readonly EndingSequenceNumber?: string | undefined
      }
    | undefined
}

/** The shards of one answer (all of its pages), with their children found. */
export class ListedShardMap implements ShardMap {
  readonly stream: string
  readonly arn: string
  readonly createdAt: number
  readonly asOf: number
  readonly shards: readonly Shard[]
  readonly #byId: ReadonlyMap<string, Shard>
  /** By where they begin. */
  readonly #open: readonly Shard[]

  constructor(
    stream: { readonly stream: string; readonly arn: string; readonly createdAt: number },
    listed: readonly ListedShard[],
    asOf: number,
  ) {
    this.stream = stream.stream
    this.arn = stream.arn
    this.createdAt = stream.createdAt
    this.asOf = asOf
    const children = new Map<string, string[]>()
    for (const each of listed) children.set(each.ShardId!, [])
    const parentsOf = (each: ListedShard): string[] =>
      [each.ParentShardId, each.AdjacentParentShardId].filter(
        (id) => id !== undefined && children.has(id),
      ) as string[]
    for (const each of listed) for (const id of parentsOf(each)) children.get(id)!.push(each.ShardId!)
    const shards = listed.map((each): Shard => {
      const last = each.SequenceNumberRange?.EndingSequenceNumber
      return {
        id: each.ShardId!,
        from: BigInt(each.HashKeyRange!.StartingHashKey!),
        to: BigInt(each.HashKeyRange!.EndingHashKey!),
        parents: parentsOf(each),
        children: children.get(each.ShardId!)!,
        open: last === undefined,
        first: each.SequenceNumberRange!.StartingSequenceNumber!,
        last,
      }
    })
    this.shards = inOrderOfLineage(shards)
    this.#byId = new Map(shards.map((shard) => [shard.id, shard]))
    this.#open = shards.filter(({ open }) => open).sort((a, b) => (a.from < b.from ? -1 : 1))
  }

  shard(id: string): Shard | undefined {
    return this.#byId.get(id)
  }

  get openShards(): readonly Shard[] {
    return this.#open
  }

  openShardOf(hashKey: bigint): Shard {
    let low = 0
    let high = this.#open.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#open[middle]!.from <= hashKey) low = middle
      else high = middle - 1
    }
    const shard = this.#open[low]
    if (shard !== undefined && shard.from <= hashKey && hashKey <= shard.to) return shard
    throw new StreamError(
      'UNAVAILABLE',
      `no open shard of stream '${this.stream}' takes the hash key ${hashKey}: it is being resharded, try again`,
      { topic: this.stream },
    )
  }
}

/** Parents before children, else as they were listed: by id, which is by age. */
function inOrderOfLineage(shards: readonly Shard[]): Shard[] {
  const byId = new Map(shards.map((shard) => [shard.id, shard]))
  const ordered = new Set<Shard>()
  for (const shard of shards) {
    const path = [shard]
    while (path.length > 0) {
      const next = path.at(-1)!
      const before = next.parents.map((id) => byId.get(id)!).filter((parent) => !ordered.has(parent))
      if (before.length > 0 && !before.some((parent) => path.includes(parent))) path.push(...before)
      else ordered.add(path.pop()!)
    }
  }
  return [...ordered]
}
