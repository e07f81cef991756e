import type { KafkaCluster } from '../parts.ts'
import { NodeFetcher } from './node-fetcher.ts'

type Isolation = 'committed' | 'uncommitted'

const OF_CLUSTER = new WeakMap<KafkaCluster, Fetchers>()

/** The fetchers of a cluster's brokers, shared by its readers; they end with the last reader. */
export class Fetchers {
  readonly #cluster: KafkaCluster
  readonly #byNode = new Map<string, NodeFetcher>()
  #readers = 0

  private constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
  }

  static of(cluster: KafkaCluster): Fetchers {
    let fetchers = OF_CLUSTER.get(cluster)
    if (fetchers === undefined) OF_CLUSTER.set(cluster, (fetchers = new Fetchers(cluster)))
    return fetchers
  }

  enter(): void {
    this.#readers++
  }

  /** Once for each `enter`. */
  leave(): void {
    if (--this.#readers > 0) return
    for (const fetcher of this.#byNode.values()) fetcher.stop()
    this.#byNode.clear()
  }

  at(node: number, isolation: Isolation): NodeFetcher {
    const key = `${node} ${isolation}`
    let fetcher = this.#byNode.get(key)
    if (fetcher === undefined) {
      this.#byNode.set(key, (fetcher = new NodeFetcher(this.#cluster, node, isolation)))
    }
    return fetcher
  }
}
