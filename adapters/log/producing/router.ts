import type { Layout, LayoutPartition } from '../broker/broker-api.ts'

/** What a producer notes at an open partition, and the batch that is being put together for it. */
export interface Route extends LayoutPartition {
  /** Of the next record. */
  sequence: number
  /** The batch's records, by their number in the flush. */
  indexes: Int32Array
  count: number
  /** Bytes of the batch, about. */
  bytes: number
  /** The part of the call that is being routed, by its number there; -1 before its first record for this partition. */
  part: number
}

/** The open partitions of a topic by the share of the hash space that each serves. */
export class Router {
  readonly layout: Layout
  readonly routes: readonly Route[]
  readonly #byId: ReadonlyMap<string, Route>
  #turn = 0

  /** `before` is the router it replaces: sequences go on where the partition is the same. */
  constructor(layout: Layout, before: Router | undefined) {
    const same = before?.layout.topicId === layout.topicId ? before : undefined
    this.layout = layout
    this.routes = layout.partitions
      .filter((partition) => !partition.ended)
      .sort((a, b) => a.from - b.from)
      .map((partition) => ({
        ...partition,
        sequence: same?.find(partition.id)?.sequence ?? 0,
        indexes: new Int32Array(64),
        count: 0,
        bytes: 0,
        part: -1,
      }))
    this.#byId = new Map(this.routes.map((route) => [route.id, route]))
  }

  /** An open partition by its id. */
  find(id: string): Route | undefined {
    return this.#byId.get(id)
  }

  /** Whose share holds an unsigned 32-bit hash. */
  locate(hash: number): Route {
    const { routes } = this
    // Shares are mostly even, so the first guess is mostly right.
    let i = Math.floor((hash * routes.length) / 2 ** 32)
    while (hash < routes[i]!.from) i--
    while (hash > routes[i]!.to) i++
    return routes[i]!
  }

  /** Partitions in turn, for records without a key. */
  next(): Route {
    this.#turn = (this.#turn + 1) % this.routes.length
    return this.routes[this.#turn]!
  }
}

/** Room for more records in a route's batch. */
export function growRoute(route: Route): void {
  const larger = new Int32Array(route.indexes.length * 4)
  larger.set(route.indexes)
  route.indexes = larger
}

/** For the next batch. */
export function clearRoute(route: Route): void {
  route.count = 0
  route.bytes = 0
}
