import type { ShardMap } from '../shards/stream-catalog.ts'
import type { Item } from './item.ts'
import { ShardLane } from './shard-lane.ts'

/** The open shards of a stream, each with what waits for it. */
export class Lanes {
  #map: ShardMap
  #byId: ReadonlyMap<string, ShardLane>
  /** By the hash keys where they begin. */
  #all: readonly ShardLane[]

  constructor(map: ShardMap) {
    this.#map = map
    this.#byId = new Map(map.openShards.map((shard) => [shard.id, new ShardLane(shard)]))
    this.#all = [...this.#byId.values()]
  }

  get map(): ShardMap {
    return this.#map
  }

  get all(): readonly ShardLane[] {
    return this.#all
  }

  /** Goes on with a newer map; gives back what waited for shards that are closed now. */
  replace(map: ShardMap): Item[] {
    const before = this.#byId
    this.#map = map
    this.#byId = new Map(
      map.openShards.map((shard) => [shard.id, before.get(shard.id) ?? new ShardLane(shard)]),
    )
    this.#all = [...this.#byId.values()]
    return [...before].flatMap(([id, lane]) => (this.#byId.has(id) ? [] : lane.queue.takeAll()))
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
}
