import { randomUUID } from 'node:crypto'
import type { DriverAdmin, TopicDescription, TopicSpec } from '../../src/driver.ts'
import type { TopicSettings } from './broker/topics/topic-settings.ts'
import type { BrokerLink } from './broker-link.ts'
import { toSettings } from './topic-spec.ts'

/** The topics of a log, for administration. */
export class LogAdmin implements DriverAdmin {
  readonly #link: BrokerLink
  readonly #defaults: TopicSettings

  constructor(link: BrokerLink, defaults: TopicSettings) {
    this.#link = link
    this.#defaults = defaults
  }

  async createTopic(spec: TopicSpec): Promise<void> {
    const { name, partitions = 1 } = spec
    const settings = toSettings(spec, this.#defaults)
    await this.#link.createTopic({ name, partitions, settings, token: randomUUID() })
  }

  async listTopics(): Promise<string[]> {
    return (await this.#link.listTopics({})).topics
  }

  async describeTopic(topic: string): Promise<TopicDescription> {
    const { name, partitions, settings } = await this.#link.describeTopic({ topic })
    const { retentionMs, retentionBytes, compacted, maxRecordBytes, compression, segmentBytes } = settings
    return {
      name,
      compacted,
      maxRecordBytes,
      ...(retentionMs === null ? {} : { retentionMs }),
      ...(retentionBytes === null ? {} : { retentionBytes }),
      settings: { compression, segmentBytes: String(segmentBytes) },
      partitions: partitions.map(({ id, from, to, ended, parents, children, start, end, bytes }) => ({
        id,
        state: ended ? 'ended' : 'open',
        parents,
        children,
        hashRange: { from: String(from), to: String(to) },
        earliest: String(start),
        latest: String(end),
        // Control records and what compaction took are counted too: offsets are what the log knows.
        records: end - start,
        bytes,
      })),
    }
  }

  deleteTopic(topic: string): Promise<void> {
    return this.#link.deleteTopic({ topic })
  }

  addPartitions(topic: string, total: number): Promise<void> {
    return this.#link.addPartitions({ topic, total, token: randomUUID() })
  }

  async splitPartition(topic: string, partition: string): Promise<string[]> {
    return (await this.#link.splitPartition({ topic, partition, token: randomUUID() })).children
  }

  async mergePartitions(topic: string, partitions: readonly [string, string]): Promise<string[]> {
    return (await this.#link.mergePartitions({ topic, partitions, token: randomUUID() })).children
  }
}
