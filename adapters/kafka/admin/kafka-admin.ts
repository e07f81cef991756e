import { setTimeout as sleep } from 'node:timers/promises'
import { type DriverAdmin, StreamError, type TopicDescription, type TopicSpec } from '../../../src/driver.ts'
import type { KafkaCluster } from '../parts.ts'
import { errorOf, isStale, KafkaError } from '../wire/error-codes.ts'
import { createPartitions } from '../wire/protocol/create-partitions.ts'
import { createTopics, type TopicResult } from '../wire/protocol/create-topics.ts'
import { deleteTopics } from '../wire/protocol/delete-topics.ts'
import { metadata } from '../wire/protocol/metadata.ts'
import { retrying } from '../wire/retry.ts'
import type { TopicLayout } from '../wire/wire.ts'
import { type PartitionEnds, partitionEnds } from './partition-ends.ts'
import { RECORD_OVERHEAD_BYTES, readTopicSettings } from './topic-settings.ts'
import { toCreateTopic } from './topic-spec.ts'

const DEADLINE_MS = 30_000
const BROKER_TIMEOUT_MS = 15_000
/** For what changes something; a broker that hangs is given up in time for another attempt. */
const CHANGE = { timeoutMs: 20_000 }
const LOOK = { timeoutMs: 5_000 }
const LEADERS_DEADLINE_MS = 3_000
const PAUSE_MS = 20

/** The topics of a cluster, for administration. */
export class KafkaAdmin implements DriverAdmin {
  readonly #cluster: KafkaCluster

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
  }

  async createTopic(spec: TopicSpec): Promise<void> {
    const request = { topics: [toCreateTopic(spec)], timeoutMs: BROKER_TIMEOUT_MS }
    const { name, partitions = 1 } = spec
    await this.#change(`creating topic '${name}'`, name, async (attempts) => {
      const [result] = await this.#cluster.wire.request({ kind: 'controller' }, createTopics, request, CHANGE)
      // An earlier attempt whose answer did not come may have made it.
      if (attempts > 1 && result?.errorCode === KafkaError.TOPIC_ALREADY_EXISTS) return undefined
      return result
    })
    await this.#everywhere(name, (layout) => layout?.partitions.length === partitions && isLed(layout))
    await this.#ends(name)
  }

  async listTopics(): Promise<string[]> {
    const layouts = await this.#again(() => this.#cluster.wire.topics())
    return layouts
      .filter(({ name, internal }) => !internal && !name.startsWith('__'))
      .map(({ name }) => name)
      .sort()
  }

  async describeTopic(topic: string): Promise<TopicDescription> {
    const { wire } = this.#cluster
    return this.#again(async () => {
      const [settings, { layout, ends }] = await Promise.all([
        readTopicSettings(wire, topic),
        this.#ends(topic),
      ])
      const { retentionMs, retentionBytes, compacted, maxMessageBytes, own } = settings
      return {
        name: topic,
        compacted,
        maxRecordBytes: Math.max(0, maxMessageBytes - RECORD_OVERHEAD_BYTES),
        ...(retentionMs === undefined ? {} : { retentionMs }),
        ...(retentionBytes === undefined ? {} : { retentionBytes }),
        settings: { 'replication.factor': String(layout.partitions[0]?.replicas.length ?? 0), ...own },
        partitions: layout.partitions.map(({ id }) => {
          const earliest = ends.earliest.get(id)
          const latest = ends.latest.get(id)
          return {
            id: String(id),
            state: 'open' as const,
            parents: [],
            children: [],
            earliest: earliest === undefined ? null : String(earliest),
            latest: latest === undefined ? null : String(latest),
            // Control records and what compaction took are counted too: offsets are what the broker tells.
            ...(earliest === undefined || latest === undefined ? {} : { records: latest - earliest }),
          }
        }),
      }
    })
  }

  async deleteTopic(topic: string): Promise<void> {
    const request = { names: [topic], timeoutMs: BROKER_TIMEOUT_MS }
    await this.#change(`deleting topic '${topic}'`, topic, async (attempts) => {
      const [result] = await this.#cluster.wire.request({ kind: 'controller' }, deleteTopics, request, CHANGE)
      if (attempts > 1 && result?.errorCode === KafkaError.UNKNOWN_TOPIC_OR_PARTITION) return undefined
      return result === undefined ? undefined : { ...result, errorMessage: null }
    })
    await this.#everywhere(topic, (layout) => layout === undefined)
  }

  async addPartitions(
    topic: string,
    total: number,
    options: { readonly acceptReordering: boolean },
  ): Promise<void> {
    if (!options.acceptReordering) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `adding partitions to '${topic}' moves keys to other partitions, which reorders them against what is there ` +
          'already: say acceptReordering: true if that is right',
        { topic },
      )
    }
    if (!Number.isSafeInteger(total) || total < 1) {
      throw new StreamError('INVALID_ARGUMENT', `${total} partitions: give a whole number above 0`, { topic })
    }
    const { wire } = this.#cluster
    const layout = await this.#again(() => wire.topic(topic, { maxAgeMs: 0 }))
    if (layout.partitions.length === total) return
    const request = { topics: [{ name: topic, total }], timeoutMs: BROKER_TIMEOUT_MS }
    await this.#change(`adding partitions to '${topic}'`, topic, async (attempts) => {
      const [result] = await wire.request({ kind: 'controller' }, createPartitions, request, CHANGE)
      if (attempts > 1 && result?.errorCode === 37) return undefined
      return result
    })
    await this.#everywhere(topic, (layout) => layout?.partitions.length === total && isLed(layout))
    await this.#ends(topic)
  }

  /** Where the partitions end. A leader that has just become one is waited for a little; what is still missing then is left out. */
  async #ends(topic: string): Promise<{ layout: TopicLayout; ends: PartitionEnds }> {
    const { wire } = this.#cluster
    const deadline = performance.now() + LEADERS_DEADLINE_MS
    for (let attempts = 1; ; attempts++) {
      const layout = await wire.topic(topic, { maxAgeMs: 0 })
      const ends = await partitionEnds(wire, layout)
      const { length } = layout.partitions
      const complete = ends.earliest.size === length && ends.latest.size === length
      // A leader that hung took all the time: by now there is another.
      if (complete || (performance.now() > deadline && attempts > 1)) return { layout, ends }
      await sleep(PAUSE_MS)
    }
  }

  /** Sends until the controller has decided; `undefined` is success. */
  async #change(
    doing: string,
    topic: string,
    send: (attempts: number) => Promise<TopicResult | undefined>,
  ): Promise<void> {
    await this.#again(async (attempts) => {
      const result = await send(attempts)
      if (result === undefined || result.errorCode === KafkaError.NONE) return
      if (isStale(result.errorCode)) this.#cluster.wire.invalidate({ kind: 'controller' })
      throw errorOf(result.errorCode, doing, { topic, detail: result.errorMessage })
    })
  }

  /** Waits until every broker that can be reached sees the topic as it should be: the next request may go to any. */
  async #everywhere(topic: string, ready: (layout: TopicLayout | undefined) => boolean): Promise<void> {
    const { wire } = this.#cluster
    const seenBy = async (node: number): Promise<boolean> => {
      const answer = await wire.request({ kind: 'node', node }, metadata, { topics: [topic] }, LOOK)
      const found = answer.topics.find(({ name, errorCode }) => name === topic && errorCode !== 3)
      return ready(found === undefined ? undefined : { ...found, asOf: 0 })
    }
    const pending = new Set(wire.brokers().map(({ node }) => node))
    const again = (): StreamError =>
      new StreamError('UNAVAILABLE', `topic '${topic}' is not settled on all brokers yet: try again`, {
        topic,
      })
    await retrying(
      async () => {
        const looked = Array.from(pending, async (node) => {
          // A broker that is away will see it when it is back.
          if (await seenBy(node).catch(() => true)) pending.delete(node)
        })
        await Promise.all(looked)
        if (pending.size > 0) throw again()
      },
      { deadline: performance.now() + DEADLINE_MS, pauseMs: 5, maxPauseMs: 200 },
    )
    // Producers of this connection look at what it knows: they see it from now on.
    await wire.topic(topic, { maxAgeMs: 0 }).catch(() => {})
  }

  #again<T>(attempt: (attempts: number) => Promise<T>): Promise<T> {
    return retrying(attempt, { deadline: performance.now() + DEADLINE_MS })
  }
}

function isLed({ partitions }: TopicLayout): boolean {
  return partitions.every(({ leader }) => leader >= 0)
}
