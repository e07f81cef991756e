import type { From } from '../../../src/driver.ts'
import type { KafkaCluster } from '../parts.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import { offsetCommitByEpoch } from '../wire/protocol/offset-commit-by-epoch.ts'
import { describeConsumer } from './describe-group.ts'
import { committedOffsets } from './group-requests.ts'
import { resolveOffsets } from './initial-offsets.ts'
import { incarnationOf } from './member-ids.ts'
import { storeBeginnings, type Term } from './store-beginnings.ts'

/** By then whoever has a topic's first partition has begun the topic, if it is a member of this library. Milliseconds. */
const FIRST_MS = 5_000

/**
 * Where a group of KIP-848, which has no leader, begins. Whoever has partition 0 of a topic that is new to the group stores `from` for all
 * of its partitions in one request. That is one member at a time: it stores under the epoch at which it knew the partition to be
 * its own, and the coordinator refuses that epoch from the moment that it may give the partition to another. The others wait for it.
 * A partition without a checkpoint in a topic that has some was added later: its own member begins it at its start.
 */
export class TopicBeginnings {
  readonly #cluster: KafkaCluster
  readonly #group: string
  readonly #from: From

  constructor(cluster: KafkaCluster, group: string, from: From) {
    this.#cluster = cluster
    this.#group = group
    this.#from = from
  }

  /** Of partitions that were the member's in `term` and have no checkpoint. Rejects with what is for good and with what passes. */
  async begin(term: Term, own: readonly TopicPartition[], waitedMs: number): Promise<void> {
    for (const topic of new Set(own.map((partition) => partition.topic))) {
      const numbers = own.filter((partition) => partition.topic === topic).map(({ partition }) => partition)
      await this.#beginTopic(term, topic, numbers, waitedMs)
    }
  }

  async #beginTopic(term: Term, topic: string, own: readonly number[], waitedMs: number): Promise<void> {
    const cluster = this.#cluster
    const layout = await cluster.wire.topic(topic, { maxAgeMs: 200 })
    const partitions = layout.partitions.map(({ id }) => ({ topic, partition: id }))
    const options = { stable: true, lane: term.lane }
    const committed = await committedOffsets(cluster, this.#group, partitions, options)
    const isNew = committed.every(({ offset }) => offset < 0)
    const missing = committed.filter(({ offset }) => offset < 0)
    const mine = missing.filter(({ partition }) => own.includes(partition))
    if (!isNew) return this.#store(term, await resolveOffsets(cluster, mine, 'earliest'))
    if (own.includes(0)) return this.#store(term, await resolveOffsets(cluster, missing, this.#from))
    if (waitedMs < FIRST_MS || !(await this.#isForeign(topic))) return
    await this.#store(term, await resolveOffsets(cluster, mine, this.#from))
  }

  /** Whether the topic's first partition is a member's that does not do this: one of another client, or of the classic protocol. */
  async #isForeign(topic: string): Promise<boolean> {
    const described = await describeConsumer(this.#cluster, this.#group)
    const owner = described?.members.find(({ partitions }) =>
      partitions.some((partition) => partition.topic === topic && partition.partition === 0),
    )
    return owner !== undefined && (owner.classic || incarnationOf(owner.memberId) === undefined)
  }

  async #store(term: Term, beginnings: Awaited<ReturnType<typeof resolveOffsets>>): Promise<void> {
    if (beginnings.length === 0) return
    // Refused where the group has moved on: then it is asked again, under the epoch that follows.
    await storeBeginnings(this.#cluster, this.#group, offsetCommitByEpoch, term, beginnings)
  }
}
