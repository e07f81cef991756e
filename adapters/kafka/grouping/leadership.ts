import type { From } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { KafkaCluster } from '../parts.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import type { JoinGroupResponse } from '../wire/protocol/join-group.ts'
import { offsetCommit } from '../wire/protocol/offset-commit.ts'
import { retrying } from '../wire/retry.ts'
import { assignPartitions, keyOf } from './assign-partitions.ts'
import { decodeSubscription, encodeAssignment } from './consumer-protocol.ts'
import { committedOffsets } from './group-requests.ts'
import { initialOffsets } from './initial-offsets.ts'
import { abortOrphanedTransactions } from './orphaned-transactions.ts'
import { type Beginning, storeBeginnings, type Term } from './store-beginnings.ts'

/** How long to look for the offsets at which a group begins before the next leader does. Milliseconds. */
const PATIENCE_MS = 30_000

/** What the leader of a group does beside being a member: deals the partitions out, and fixes where the group begins in them. */
export class Leadership {
  readonly #cluster: KafkaCluster
  readonly #group: string
  readonly #from: From
  /** In these the group has a checkpoint: never looked at again. */
  readonly #begun = new Set<string>()
  /** Of all members, as dealt out last. */
  #topics: readonly string[] = []
  #dealt: readonly TopicPartition[] = []
  #members: ReadonlySet<string> = new Set()
  /** A topic that was deleted and created anew has another one. */
  readonly #ids = new Map<string, string>()

  constructor(cluster: KafkaCluster, group: string, from: From) {
    this.#cluster = cluster
    this.#group = group
    this.#from = from
  }

  /** The assignments for SyncGroup. */
  async deal(
    members: JoinGroupResponse['members'],
  ): Promise<{ readonly memberId: string; readonly assignment: Buffer }[]> {
    const candidates = members.map(({ memberId, metadata }) => ({
      memberId,
      subscription: decodeSubscription(metadata),
    }))
    this.#members = new Set(members.map(({ memberId }) => memberId))
    this.#topics = [...new Set(candidates.flatMap(({ subscription }) => subscription.topics))]
    this.#dealt = await this.#partitions()
    const shares = assignPartitions(candidates, this.#dealt)
    return Array.from(shares, ([memberId, share]) => ({ memberId, assignment: encodeAssignment(share) }))
  }

  /** Leads on from what an earlier incarnation of this static member has dealt out. */
  async resume(members: JoinGroupResponse['members']): Promise<void> {
    const topics = members.flatMap(({ metadata }) => decodeSubscription(metadata).topics)
    this.#members = new Set(members.map(({ memberId }) => memberId))
    this.#topics = [...new Set(topics)]
    this.#dealt = await this.#partitions()
  }

  /** Whether topics have come, gone or grown since partitions were dealt out. */
  async hasChanged(): Promise<boolean> {
    const now = await this.#partitions()
    return (
      now.length !== this.#dealt.length ||
      now.some((partition, i) => keyOf(partition) !== keyOf(this.#dealt[i]!))
    )
  }

  /** Ends what members that are gone have left open. Never rejects. */
  async tidy(stillLeads: () => boolean, signal: AbortSignal): Promise<void> {
    // Only a member that came since could be taken for gone, and that comes with another rebalance.
    const living = async () => (stillLeads() ? this.#members : undefined)
    await abortOrphanedTransactions(this.#cluster, this.#group, living, signal).catch(() => {})
  }

  /**
   * Stores where the group begins in partitions in which it has no checkpoint. One request stores all of it or nothing, so that
   * what is missing in a topic that is known to the group can only have been added later. Rejects with what is for good, and
   * resolves where the group has moved on: then the next leader does it.
   */
  async begin(term: Term, signal: AbortSignal): Promise<void> {
    const fresh = new Set(
      this.#dealt.filter((partition) => !this.#begun.has(keyOf(partition))).map(({ topic }) => topic),
    )
    if (fresh.size === 0) return
    const partitions = this.#dealt.filter(({ topic }) => fresh.has(topic))
    await this.#beginIn(term, partitions, (initial) => initial, signal)
  }

  /**
   * The same for a member that waits in vain, because the leader is a client that does no such thing: of what is its own. Members
   * that do so at once may each take a topic for new to the group.
   */
  async beginAlone(term: Term, own: readonly TopicPartition[], signal: AbortSignal): Promise<void> {
    const topics = new Set(own.map(({ topic }) => topic))
    const partitions: TopicPartition[] = []
    for (const topic of topics) {
      const layout = await this.#cluster.wire.topic(topic)
      for (const { id } of layout.partitions) partitions.push({ topic, partition: id })
    }
    const keys = new Set(own.map(keyOf))
    await this.#beginIn(term, partitions, (initial) => initial.filter((it) => keys.has(keyOf(it))), signal)
  }

  async #beginIn(
    term: Term,
    partitions: readonly TopicPartition[],
    choose: (initial: readonly Beginning[]) => readonly Beginning[],
    signal: AbortSignal,
  ): Promise<void> {
    await retrying(
      async () => {
        const options = { stable: true, lane: term.lane }
        const committed = await committedOffsets(this.#cluster, this.#group, partitions, options)
        const initial = choose(await initialOffsets(this.#cluster, committed, this.#from))
        if (initial.length > 0) {
          const api = offsetCommit
          if (!(await storeBeginnings(this.#cluster, this.#group, api, term, initial))) return
        }
        for (const { topic, partition, offset } of committed) {
          if (offset >= 0 || initial.some((it) => it.topic === topic && it.partition === partition)) {
            this.#begun.add(keyOf({ topic, partition }))
          }
        }
      },
      { deadline: performance.now() + PATIENCE_MS, signal },
    )
  }

  async #partitions(): Promise<TopicPartition[]> {
    const partitions: TopicPartition[] = []
    for (const topic of this.#topics.toSorted()) {
      try {
        const layout = await this.#cluster.wire.topic(topic, { maxAgeMs: 200 })
        if (this.#ids.get(topic) !== layout.id) {
          this.#ids.set(topic, layout.id)
          for (const { id } of layout.partitions) this.#begun.delete(keyOf({ topic, partition: id }))
        }
        for (const { id } of layout.partitions) partitions.push({ topic, partition: id })
      } catch (error) {
        // One that was deleted, or is not there yet, has none; its members find out by themselves.
        if (classify(error).code !== 'NOT_FOUND') throw error
      }
    }
    return partitions
  }
}
