import type { PartitionKey } from '../records/index.ts'
import { MAX_HASH_KEY } from '../shards/hash-key.ts'
import type { ShardMap } from '../shards/stream-catalog.ts'
import type { KeyQueue } from './key-queue.ts'
import { ShardLane } from './shard-lane.ts'

/** The open shards of a stream, each with what waits for it. */
export class Lanes {
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

  /** Records whose turn has come, in all lanes. */
  get ready(): number {
    let ready = 0
    for (const lane of this.#all) ready += lane.ready
    return ready
  }

  /** Goes on with a newer map; gives back what waited for shards that are closed now. */
  replace(map: ShardMap): KeyQueue[] {
    const before = this.#byId
    this.#map = map
    this.#byId = new Map(
      map.openShards.map((shard) => [shard.id, before.get(shard.id) ?? new ShardLane(shard)]),
    )
    this.#all = [...this.#byId.values()]
    this.#hasGaps = findGaps(map)
    const moved: KeyQueue[] = []
    for (const [id, lane] of before) {
      if (!this.#byId.has(id)) while (lane.first !== undefined) moved.push(lane.shift())
    }
    return moved
  }

  /** Where a record belongs; undefined where the shard that its caller chose is not open. */
  of(key: PartitionKey, partition: string | undefined): ShardLane | undefined {
    if (partition !== undefined) return this.#byId.get(partition)
    const top = key.word0 ^ 0x80000000
    const all = this.#all
    let low = 0
    let high = all.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (all[middle]!.top <= top) low = middle
      else high = middle - 1
    }
    // Where their tops are equal, the rest decides.
    while (low > 0 && all[low]!.top === top && all[low]!.shard.from > key.hashKey) low--
    return all[low]
  }
}

function findGaps({ openShards }: ShardMap): boolean {
  const ends = openShards.map(({ to }) => to + 1n)
  return openShards.some(({ from }, i) => from !== (ends[i - 1] ?? 0n)) || ends.at(-1) !== MAX_HASH_KEY + 1n
}
