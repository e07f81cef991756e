import type { Batch } from '../batch.ts'
import { Deque } from '../deque.ts'
import type { Driver, FetchedBatch, PartitionDescription, TopicDescription } from '../driver.ts'
import { StreamError } from '../errors.ts'
import { LazyBatch, type LazyRecord, validateRecords } from '../lazy-record.ts'
import type { From } from '../position.ts'
import type { AnyTopic } from '../topic.ts'
import { PartitionFeed } from './partition-feed.ts'
import type { Reader, ReadOptions } from './reader.ts'

const DEFAULT_FETCH_BYTES = 1 << 20
/** How often a reader that follows looks for new partitions where nothing announces them. Milliseconds. */
const DISCOVERY_MS = 5_000

/** Reads all partitions of a topic at once, children after their parents. */
export class TopicReader implements Reader<LazyRecord> {
  private readonly driver: Driver
  private readonly topic: AnyTopic
  private readonly options: ReadOptions
  private readonly feeds = new Map<string, PartitionFeed>()
  /** Partitions read to their end. */
  private readonly done = new Set<string>()
  /** Opened, but their parents are not done. */
  private readonly waiting = new Map<string, PartitionDescription>()
  private readonly ready = new Deque<{ feed: PartitionFeed; batch: FetchedBatch }>()
  private running = 0
  private failure: { error: unknown } | undefined
  private wake: (() => void) | undefined
  private started = false
  private discovery: NodeJS.Timeout | undefined
  private closing: Promise<void> | undefined
  private readonly onAbort = (): void => this.fail(this.options.signal?.reason)

  constructor(driver: Driver, topic: AnyTopic, options: ReadOptions = {}) {
    this.driver = driver
    this.topic = topic
    this.options = options
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Batch<LazyRecord>> {
    if (this.started)
      throw new StreamError('INVALID_ARGUMENT', 'a reader is iterated once: call read() again.')
    this.started = true
    try {
      await this.start()
      for (;;) {
        if (this.failure) throw this.failure.error
        const item = this.ready.shift()
        if (item === undefined) {
          if (this.closing || (this.running === 0 && this.waiting.size === 0)) return
          await new Promise<void>((resolve) => {
            this.wake = resolve
          })
          continue
        }
        this.pull(item.feed)
        if (item.batch.count === 0) continue
        const batch = new LazyBatch(item.batch, this.topic)
        const validated = this.topic.codec.validate && validateRecords(this.topic, batch.records)
        if (validated) await validated
        yield batch
      }
    } finally {
      await this.close()
    }
  }

  async *records(): AsyncIterable<LazyRecord> {
    for await (const batch of this) yield* batch
  }

  close(): Promise<void> {
    this.closing ??= (async () => {
      clearInterval(this.discovery)
      this.options.signal?.removeEventListener('abort', this.onAbort)
      this.notify()
      await Promise.all([...this.feeds.values()].map((feed) => feed.close()))
    })()
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private async start(): Promise<void> {
    this.options.signal?.throwIfAborted()
    this.options.signal?.addEventListener('abort', this.onAbort, { once: true })
    const description = await this.driver.admin.describeTopic(this.topic.name)
    const wanted = this.chosen(description)
    checkStarts(this.options, wanted, this.topic.name)
    for (const partition of wanted) {
      const from = this.options.starts?.[partition.id] ?? this.options.from ?? 'earliest'
      if (from === 'end') this.done.add(partition.id)
      else this.open(partition, from)
    }
    this.startWaiting()
    if (!this.follows || this.options.partitions || this.driver.capabilities.has('lineage')) return
    this.discovery = setInterval(() => this.discover().catch((error) => this.fail(error)), DISCOVERY_MS)
    this.discovery.unref()
  }

  /** Whether partitions that come into being later belong to what is read. */
  private get follows(): boolean {
    const { until } = this.options
    return until === undefined || (typeof until === 'object' && 'timestamp' in until)
  }

  private chosen(description: TopicDescription): readonly PartitionDescription[] {
    const { partitions } = this.options
    if (partitions === undefined) return description.partitions
    return partitions.map((id) => {
      const found = description.partitions.find((partition) => partition.id === id)
      if (found) return found
      const known = description.partitions.map((partition) => partition.id).join(', ')
      throw new StreamError(
        'NOT_FOUND',
        `topic "${description.name}" has no partition "${id}": it has ${known}.`,
        { topic: description.name, partition: id },
      )
    })
  }

  private open(partition: PartitionDescription, from: From): void {
    const { until, isolation } = this.options
    const feed = new PartitionFeed(
      this.driver,
      {
        topic: this.topic.name,
        partition: partition.id,
        start: { from },
        ...(until !== undefined && { until }),
        ...(isolation !== undefined && { isolation }),
      },
      this.options.fetchMaxBytes ?? DEFAULT_FETCH_BYTES,
    )
    this.feeds.set(partition.id, feed)
    this.waiting.set(partition.id, partition)
  }

  /** Starts what waits for no parent any more. */
  private startWaiting(): void {
    for (const [id, partition] of this.waiting) {
      if (partition.parents.some((parent) => this.feeds.has(parent) && !this.done.has(parent))) continue
      this.waiting.delete(id)
      this.running++
      this.pull(this.feeds.get(id) as PartitionFeed)
    }
    this.notify()
  }

  private pull(feed: PartitionFeed): void {
    feed.next().then(
      (batch) => {
        if (batch === null) return this.finish(feed.partition)
        this.ready.push({ feed, batch })
        this.notify()
      },
      (error) => this.fail(error),
    )
  }

  private finish(partition: string): void {
    this.done.add(partition)
    const next = this.follows ? this.discover() : Promise.resolve()
    next.then(
      () => {
        this.running--
        this.startWaiting()
      },
      (error) => this.fail(error),
    )
  }

  /** Opens partitions that came into being meanwhile, from their beginning; of a chosen few, only their descendants. */
  private async discover(): Promise<void> {
    if (this.closing) return
    const { partitions } = await this.driver.admin.describeTopic(this.topic.name)
    if (this.closing) return
    for (const partition of partitions) {
      if (this.feeds.has(partition.id) || this.done.has(partition.id)) continue
      const descends = partition.parents.some((parent) => this.feeds.has(parent) || this.done.has(parent))
      if (this.options.partitions === undefined || descends) this.open(partition, 'earliest')
    }
    this.startWaiting()
  }

  private fail(error: unknown): void {
    if (this.closing) return
    this.failure ??= { error }
    this.notify()
  }

  private notify(): void {
    const wake = this.wake
    this.wake = undefined
    wake?.()
  }
}

/** `at` and `after` mean a place in one partition: refuse them where several would be meant. */
function checkStarts(options: ReadOptions, wanted: readonly PartitionDescription[], topic: string): void {
  for (const id of Object.keys(options.starts ?? {})) {
    if (wanted.some((partition) => partition.id === id)) continue
    throw new StreamError('NOT_FOUND', `topic "${topic}" has no partition "${id}" to start in.`, {
      topic,
      partition: id,
    })
  }
  const bounds = [options.from, options.until]
  const positional = bounds.some((bound) => typeof bound === 'object' && ('at' in bound || 'after' in bound))
  if (!positional || wanted.length === 1) return
  throw new StreamError(
    'INVALID_ARGUMENT',
    `a position belongs to one partition, and ${wanted.length} of topic "${topic}" are read: name one in \`partitions\`, or give \`starts\`.`,
    { topic },
  )
}
