import { errorOf, KafkaError } from './error-codes.ts'
import type { MetadataResponse } from './protocol/metadata.ts'
import type { BrokerInfo, PartitionLayout, TopicLayout } from './wire.ts'

/** What is known of the cluster: brokers, topics and coordinators, each as last heard of. */
export class ClusterView {
  brokers: readonly BrokerInfo[] = []
  controller = -1
  readonly #topics = new Map<string, TopicLayout>()
  /** Nodes by `group/NAME` and `transaction/ID`. */
  readonly coordinators = new Map<string, number>()

  topic(name: string): TopicLayout | undefined {
    return this.#topics.get(name)
  }

  broker(node: number): BrokerInfo | undefined {
    return this.brokers.find((broker) => broker.node === node)
  }

  /** Takes in an answer; topics that it says are gone are forgotten. */
  update(answer: MetadataResponse, asOf: number): readonly TopicLayout[] {
    if (answer.brokers.length > 0) this.brokers = answer.brokers
    this.controller = answer.controller
    const layouts: TopicLayout[] = []
    for (const { errorCode, name, id, internal, partitions } of answer.topics) {
      if (errorCode !== KafkaError.NONE && errorCode !== KafkaError.LEADER_NOT_AVAILABLE) {
        this.#topics.delete(name)
        continue
      }
      const layout: TopicLayout = {
        name,
        id,
        internal,
        asOf,
        partitions: partitions
          .map(({ id, leader, leaderEpoch, replicas, inSync }) => ({
            id,
            leader,
            leaderEpoch,
            replicas,
            inSync,
          }))
          .sort((a, b) => a.id - b.id),
      }
      this.#topics.set(name, layout)
      layouts.push(layout)
    }
    return layouts
  }

  /** The partition's leader is not known any more; others go on where they are. */
  forgetLeader(name: string, partition: number): void {
    const topic = this.#topics.get(name)
    if (topic !== undefined)
      this.#topics.set(
        name,
        without(topic, ({ id }) => id === partition),
      )
  }

  /** The node cannot be reached: whatever was thought to be there may be elsewhere. */
  forgetNode(node: number): void {
    for (const [name, topic] of this.#topics) {
      if (topic.partitions.some(({ leader }) => leader === node)) {
        this.#topics.set(
          name,
          without(topic, ({ leader }) => leader === node),
        )
      }
    }
    for (const [key, at] of this.coordinators) if (at === node) this.coordinators.delete(key)
    if (this.controller === node) this.controller = -1
  }
}

/** The layout without the leaders of some partitions, to be asked for anew by whoever wants all of it. */
function without(topic: TopicLayout, which: (partition: PartitionLayout) => boolean): TopicLayout {
  const partitions = topic.partitions.map((each) => (which(each) ? { ...each, leader: -1 } : each))
  return { ...topic, partitions, asOf: Number.NEGATIVE_INFINITY }
}

/** Why a topic is not there. */
export function topicError(answer: MetadataResponse, name: string) {
  const code = answer.topics.find((topic) => topic.name === name)?.errorCode
  return errorOf(code ?? KafkaError.UNKNOWN_TOPIC_OR_PARTITION, `looking for topic '${name}'`, {
    topic: name,
  })
}
