import { errorOf, KafkaError } from './error-codes.ts'
import type { MetadataResponse } from './protocol/metadata.ts'
import type { BrokerInfo, TopicLayout } from './wire.ts'

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

  forgetTopic(name: string): void {
    this.#topics.delete(name)
  }

  /** The node cannot be reached: whatever was thought to be there may be elsewhere. */
  forgetNode(node: number): void {
    for (const [name, { partitions }] of this.#topics) {
      if (partitions.some(({ leader }) => leader === node)) this.#topics.delete(name)
    }
    for (const [key, at] of this.coordinators) if (at === node) this.coordinators.delete(key)
    if (this.controller === node) this.controller = -1
  }
}

/** Why a topic is not there. */
export function topicError(answer: MetadataResponse, name: string) {
  const code = answer.topics.find((topic) => topic.name === name)?.errorCode
  return errorOf(code ?? KafkaError.UNKNOWN_TOPIC_OR_PARTITION, `looking for topic '${name}'`, {
    topic: name,
  })
}
