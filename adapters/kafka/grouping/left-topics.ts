import type { KafkaCluster } from '../parts.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import { describeConsumer } from './describe-group.ts'

/**
 * Topics that a member of KIP-848 leaves to others while a handler hangs in one of its partitions: the coordinator deals partitions out, and
 * cannot be told to leave one of them out. Where nobody else reads the topic, the member keeps the partition idle and goes on with the rest.
 */
export class LeftTopics {
  readonly #cluster: KafkaCluster
  readonly #group: string
  #topics: ReadonlySet<string> = new Set()

  constructor(cluster: KafkaCluster, group: string) {
    this.#cluster = cluster
    this.#group = group
  }

  has(topic: string): boolean {
    return this.#topics.has(topic)
  }

  /** Looks at the group; whether the member is to subscribe anew. */
  async review(memberId: string, refused: readonly TopicPartition[]): Promise<boolean> {
    const before = this.#topics
    const wanted = new Set(refused.map(({ topic }) => topic))
    if (wanted.size > 0) {
      const described = await describeConsumer(this.#cluster, this.#group)
      const others = described?.members.filter((member) => member.memberId !== memberId) ?? []
      const read = new Set(others.flatMap(({ topics }) => topics))
      this.#topics = wanted.intersection(read)
    } else this.#topics = wanted
    return before.symmetricDifference(this.#topics).size > 0
  }
}
