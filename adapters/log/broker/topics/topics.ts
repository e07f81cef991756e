import { randomUUID } from 'node:crypto'
import PQueue from 'p-queue'
import { StreamError } from '../../../../src/driver.ts'
import { PartitionLog } from '../../storage/partition-log.ts'
import type { CommonLogOptions } from '../common-log-options.ts'
import type { Metadata, MetadataChange, StoredMetadata } from '../metadata.ts'
import type { StoreFactory } from '../store-factory.ts'
import { Partition } from './partition.ts'
import {
  evenLayout,
  growLayout,
  isOpen,
  mergeLayout,
  type PartitionLayout,
  splitLayout,
} from './partition-layout.ts'
import { type StoredTopic, Topic } from './topic.ts'
import type { TopicSettings } from './topic-settings.ts'

/** What follows the changes of topics. */
export interface TopicsListener {
  /** The topic's partitions changed; called before the change is durable. */
  layoutChanged(topic: Topic): void
  /** The topic is gone. What is to be stored in one piece with that. */
  topicDeleted(topic: string): MetadataChange[]
}

const NAME = /^[A-Za-z0-9._-]{1,249}$/
const MAX_PARTITIONS = 4096

/** The topics of a log and their partitions, kept in the metadata. Changes are made one at a time. */
export class Topics {
  readonly #stores: StoreFactory
  readonly #metadata: Metadata
  readonly #logOptions: CommonLogOptions
  readonly #topics = new Map<string, Topic>()
  readonly #changes = new PQueue({ concurrency: 1 })
  #listener: TopicsListener | undefined

  private constructor(stores: StoreFactory, metadata: Metadata, logOptions: CommonLogOptions) {
    this.#stores = stores
    this.#metadata = metadata
    this.#logOptions = logOptions
  }

  static async open(
    stores: StoreFactory,
    metadata: Metadata,
    stored: StoredMetadata,
    logOptions: CommonLogOptions,
  ): Promise<Topics> {
    const topics = new Topics(stores, metadata, logOptions)
    try {
      await Promise.all(
        stored
          .filter(({ key }) => key[0] === 'topic')
          .map(async ({ key, value }) => {
            const name = key[1]!
            const topic = await topics.#openTopic(name, value as StoredTopic)
            if (topic.stored.deleting === true) await topics.#remove(topic)
            else topics.#topics.set(name, topic)
          }),
      )
    } catch (error) {
      await topics.close()
      throw error
    }
    return topics
  }

  listen(listener: TopicsListener): void {
    this.#listener = listener
  }

  /** NOT_FOUND where there is none of that name. */
  get(name: string): Topic {
    const topic = this.#topics.get(name)
    if (topic !== undefined) return topic
    throw new StreamError('NOT_FOUND', `there is no topic '${name}': create it, or check its name`, {
      topic: name,
    })
  }

  find(name: string): Topic | undefined {
    return this.#topics.get(name)
  }

  /** Sorted by name. */
  all(): Topic[] {
    return [...this.#topics.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  create(name: string, partitions: number, settings: TopicSettings, token: string): Promise<void> {
    return this.#change(async () => {
      checkName(name)
      checkCount(partitions)
      const existing = this.#topics.get(name)
      if (existing?.stored.change?.token === token) return
      if (existing !== undefined) {
        throw new StreamError(
          'ALREADY_EXISTS',
          `topic '${name}' exists already: use it, or choose another name`,
          {
            topic: name,
          },
        )
      }
      const change = { token, children: [] }
      const stored: StoredTopic = { id: randomUUID(), settings, ...evenLayout(partitions), change }
      this.#metadata.put([[['topic', name], stored]])
      try {
        this.#topics.set(name, await this.#openTopic(name, stored))
      } catch (error) {
        this.#metadata.put([[['topic', name], null]])
        throw error
      }
      await this.#metadata.durable()
    })
  }

  delete(name: string): Promise<void> {
    return this.#change(async () => {
      const topic = this.get(name)
      const changes = this.#listener?.topicDeleted(name) ?? []
      this.#metadata.put([[['topic', name], { ...topic.stored, deleting: true }], ...changes])
      this.#topics.delete(name)
      for (const partition of topic.partitions.values()) {
        partition.deleted = true
        partition.wake()
      }
      await this.#metadata.durable()
      await this.#remove(topic)
    })
  }

  async grow(name: string, total: number, token: string): Promise<void> {
    checkCount(total)
    await this.#relayout(name, token, (layout) => {
      const open = layout.partitions.filter(isOpen).length
      if (total < open) {
        throw new StreamError(
          'INVALID_ARGUMENT',
          `topic '${name}' has ${open} open partitions, more than ${total}: ask for more, or merge partitions`,
          { topic: name },
        )
      }
      return { layout: growLayout(layout, total), children: [] }
    })
  }

  split(name: string, partition: string, token: string): Promise<string[]> {
    return this.#relayout(name, token, (layout) => splitLayout(layout, partition, 2))
  }

  merge(name: string, partitions: readonly [string, string], token: string): Promise<string[]> {
    return this.#relayout(name, token, (layout) => mergeLayout(layout, partitions))
  }

  async close(): Promise<void> {
    await this.#changes.onIdle()
    const logs = this.all().flatMap((topic) => [...topic.partitions.values()])
    for (const partition of logs) partition.close()
    const results = await Promise.allSettled(logs.map((partition) => partition.log.close()))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    return this.#changes.add(change)
  }

  #relayout(
    name: string,
    token: string,
    plan: (layout: PartitionLayout) => { layout: PartitionLayout; children: string[] },
  ): Promise<string[]> {
    return this.#change(async () => {
      const topic = this.get(name)
      const { stored } = topic
      if (stored.change?.token === token) return [...stored.change.children]
      const { layout, children } = plan(stored)
      const fresh = layout.partitions.slice(stored.partitions.length)
      // The children's folders come first: a layout that names them is then always whole.
      const opened = await Promise.all(
        fresh.map((entry) => this.#openPartition(name, entry.id, stored.settings, false)),
      )
      const changed: StoredTopic = { ...stored, ...layout, change: { token, children } }
      this.#metadata.put([[['topic', name], changed]])
      // From here on without a pause, so that no batch gets into a parent after its end was decided.
      topic.stored = changed
      for (const partition of opened) topic.partitions.set(partition.id, partition)
      for (const entry of layout.partitions) topic.partition(entry.id).ended = !isOpen(entry)
      this.#listener?.layoutChanged(topic)
      for (const partition of topic.partitions.values()) partition.wake()
      await this.#metadata.durable()
      return children
    })
  }

  async #openTopic(name: string, stored: StoredTopic): Promise<Topic> {
    const partitions = await Promise.all(
      stored.partitions.map((entry) => this.#openPartition(name, entry.id, stored.settings, !isOpen(entry))),
    )
    return new Topic(name, stored, new Map(partitions.map((partition) => [partition.id, partition])))
  }

  async #openPartition(
    topic: string,
    id: string,
    settings: TopicSettings,
    ended: boolean,
  ): Promise<Partition> {
    const { compacted, segmentBytes } = settings
    const name = `${topic}-${id}`
    const retentionMs = settings.retentionMs ?? Number.POSITIVE_INFINITY
    const retentionBytes = settings.retentionBytes ?? Number.POSITIVE_INFINITY
    const options = { ...this.#logOptions, retentionMs, retentionBytes, compacted, segmentBytes }
    return new Partition(topic, id, await PartitionLog.open(this.#stores(name), name, options), ended)
  }

  async #remove(topic: Topic): Promise<void> {
    await Promise.all(Array.from(topic.partitions.values(), (partition) => partition.log.delete()))
    this.#metadata.put([[['topic', topic.name], null]])
  }
}

function checkName(name: string): void {
  if (!NAME.test(name) || name === '.' || name === '..') {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `'${name}' cannot name a topic: use 1 to 249 of the characters A-Z a-z 0-9 . _ -`,
    )
  }
  if (name.startsWith('__')) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `'${name}': names that start with __ are the log's own, choose another`,
    )
  }
}

function checkCount(count: number): void {
  if (Number.isInteger(count) && count > 0 && count <= MAX_PARTITIONS) return
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${count} partitions: give a whole number from 1 to ${MAX_PARTITIONS}`,
  )
}
