import { classify } from '../classify.ts'
import type { KafkaCluster } from '../parts.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import type { PartitionsOfId } from '../wire/protocol/consumer-group-heartbeat.ts'

/** Between the names that the adapter uses and the ids of KIP-848. One a membership. */
export class TopicIds {
  readonly #cluster: KafkaCluster
  readonly #ids = new Map<string, string>()
  readonly #names = new Map<string, string>()

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
  }

  /**
   * Assigned partitions by name; those of an id that no topic has (any more) are left out. `anew` where a topic was deleted and made
   * again under its name since: what was held of it is of the former one.
   */
  async named(
    assignment: readonly PartitionsOfId[],
    topics: readonly string[],
  ): Promise<{ readonly partitions: TopicPartition[]; readonly complete: boolean; readonly anew: boolean }> {
    let anew = false
    if (assignment.some(({ topicId }) => !this.#names.has(topicId))) {
      for (const topic of topics) anew = (await this.#look(topic)) || anew
    }
    const partitions: TopicPartition[] = []
    let complete = true
    for (const { topicId, partitions: numbers } of assignment) {
      const topic = this.#names.get(topicId)
      if (topic === undefined) complete = false
      else for (const partition of numbers) partitions.push({ topic, partition })
    }
    return { partitions, complete, anew }
  }

  /** By id; of topics that were assigned before. */
  identified(partitions: readonly TopicPartition[]): PartitionsOfId[] {
    const byId = new Map<string, number[]>()
    for (const { topic, partition } of partitions) {
      const id = this.#ids.get(topic)
      if (id === undefined) continue
      const numbers = byId.get(id)
      if (numbers === undefined) byId.set(id, [partition])
      else numbers.push(partition)
    }
    return Array.from(byId, ([topicId, numbers]) => ({ topicId, partitions: numbers }))
  }

  /** Whether the topic has another id than before. */
  async #look(topic: string): Promise<boolean> {
    try {
      const { id } = await this.#cluster.wire.topic(topic, { maxAgeMs: 200 })
      const before = this.#ids.get(topic)
      if (before === id) return false
      if (before !== undefined) this.#names.delete(before)
      this.#ids.set(topic, id)
      this.#names.set(id, topic)
      return before !== undefined
    } catch (error) {
      if (classify(error).code !== 'NOT_FOUND') throw error
      return false
    }
  }
}
