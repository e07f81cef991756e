import { MAX_HASH_KEY } from '../shards/hash-key.ts'
import type { ShardMap } from '../shards/stream-catalog.ts'
import type { Item } from './item.ts'
import { ShardLane } from './shard-lane.ts'

/** The open shards of a stream, each with what waits for it. */
export class Lanes {
  /** Items in all queues. */
  ready = 0
  #map: ShardMap
  #byId: ReadonlyMap<string, ShardLane>
  /** By the hash keys where they begin. */
  #all: readonly ShardLane[]
  /** Where composing begins, so that every lane has its turn. */
  #turn = 0
  #hasGaps: boolean

  constructor(map: ShardMap) {
    this.#map = map
    this.#byId = new Map(map.openShards.map((shard) => [shard.id, new ShardLane(shard)]))
    this.#all = [...this.#byId.values()]
    this.#hasGaps = findGaps(map)
  }

  get map(): ShardMap {
    return this.#map
  }

  /** Shards were missing when it was asked: in the middle of a reshard. */
  get hasGaps(): boolean {
    return this.#hasGaps
  }

  get all(): readonly ShardLane[] {
    return this.#all
  }

  /** All of them, each time beginning with another. */
  *inTurn(): Generator<ShardLane> {
    const all = this.#all
    const from = this.#turn++
    for (let i = 0; i < all.length; i++) yield all[(from + i) % all.length]!
  }

  /** Goes on with a newer map; gives back what waited for shards that are closed now. */
  replace(map: ShardMap): Item[] {
    const before = this.#byId
    this.#map = map
    this.#byId = new Map(
      map.openShards.map((shard) => [shard.id, before.get(shard.id) ?? new ShardLane(shard)]),
    )
    this.#all = [...this.#byId.values()]
    this.#hasGaps = findGaps(map)
    const moved = [...before].flatMap(([id, lane]) => (this.#byId.has(id) ? [] : lane.queue.takeAll()))
    this.ready -= moved.length
    return moved
  }

  /** Where an item belongs; undefined where the shard that its caller chose is not open. */
  of(item: Item): ShardLane | undefined {
    if (item.partition !== undefined) return this.#byId.get(item.partition)
    const { hashKey } = item.wire
    const all = this.#all
    let low = 0
    let high = all.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (all[middle]!.shard.from <= hashKey) low = middle
      else high = middle - 1
    }
    return all[low]
  }

  push(lane: ShardLane, item: Item): void {
    lane.queue.push(item)
    this.ready++
  }

  putBack(lane: ShardLane, items: readonly Item[]): void {
    lane.queue.putBack(items)
    this.ready += items.length
  }

  take(lane: ShardLane): Item {
    this.ready--
    return lane.queue.shift()!
  }
}

function findGaps({ openShards }: ShardMap): boolean {
  const ends = openShards.map(({ to }) => to + 1n)
  return openShards.some(({ from }, i) => from !== (ends[i - 1] ?? 0n)) || ends.at(-1) !== MAX_HASH_KEY + 1n
}
