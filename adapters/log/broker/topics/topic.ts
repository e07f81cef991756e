import { StreamError } from '../../../../src/driver.ts'
import type { Layout, TopicInfo } from '../broker-api.ts'
import type { Partition } from './partition.ts'
import { isOpen, type PartitionLayout } from './partition-layout.ts'
import type { TopicSettings } from './topic-settings.ts'

/** A topic as it is stored. */
export interface StoredTopic extends PartitionLayout {
  readonly id: string
  readonly settings: TopicSettings
  /** Its folders are being removed. */
  readonly deleting?: boolean
  /** The last change, by the token of its request: when that comes again, it gets the same answer. */
  readonly change?: { readonly token: string; readonly children: readonly string[] }
}

/** One topic as the broker holds it. */
export class Topic {
  readonly name: string
  stored: StoredTopic
  readonly partitions: Map<string, Partition>

  constructor(name: string, stored: StoredTopic, partitions: Map<string, Partition>) {
    this.name = name
    this.stored = stored
    this.partitions = partitions
  }

  /** NOT_FOUND where there is none of that id. */
  partition(id: string): Partition {
    const partition = this.partitions.get(id)
    if (partition !== undefined) return partition
    throw new StreamError(
      'NOT_FOUND',
      `topic '${this.name}' has no partition '${id}': describe the topic for those it has`,
      { topic: this.name, partition: id },
    )
  }

  layout(): Layout {
    const { id, settings, partitions } = this.stored
    return {
      topicId: id,
      settings,
      partitions: partitions.map((entry) => ({
        id: entry.id,
        from: entry.from,
        to: entry.to,
        ended: !isOpen(entry),
      })),
    }
  }

  describe(): TopicInfo {
    return {
      name: this.name,
      settings: this.stored.settings,
      partitions: this.stored.partitions.map((entry) => {
        const { log } = this.partition(entry.id)
        return {
          ...entry,
          ended: !isOpen(entry),
          start: log.startOffset,
          end: log.endOffset,
          bytes: log.sizeBytes,
        }
      }),
    }
  }
}
