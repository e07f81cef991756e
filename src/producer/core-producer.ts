import type { Driver, DriverProducer } from '../driver.ts'
import { StreamError } from '../errors.ts'
import type { EncodedRecord, NewRecord } from '../record.ts'
import type { SendOperation, Telemetry } from '../telemetry/telemetry.ts'
import { type AnyTopic, type TopicLike, topicOf } from '../topic.ts'
import { checkRecordSize, encodeRecord } from './encode-record.ts'
import type { Producer, ProducerOptions, RecordOptions, SendResult, SendResults } from './producer.ts'
import { TopicLane } from './topic-lane.ts'

const DEFAULT_BUFFER_BYTES = 32 << 20
const DEFAULT_CLOSE_TIMEOUT_MS = 30_000

/** What the producer knows of a topic after it has asked once. */
interface Destination {
  readonly lane: TopicLane
  readonly maxRecordBytes: number
}

interface Call {
  readonly topic: AnyTopic
  readonly values: readonly unknown[]
  readonly options: ((index: number) => RecordOptions<unknown>) | undefined
  readonly operation: SendOperation | undefined
  /** Unacknowledged since it was handed over. */
  bytes: number
}

/** The producer above any driver: encodes, checks, bounds what is unacknowledged, and keeps the order of the calls. */
export class CoreProducer implements Producer {
  private readonly driver: Driver
  private readonly telemetry: Telemetry
  private readonly maxBufferedBytes: number
  private readonly closeTimeoutMs: number
  private readonly opened: Promise<DriverProducer>
  private readonly destinations = new Map<string, Destination>()
  private buffered = 0
  private unsettled = 0
  /** The last call that could not be handed over at once (first use of a topic, a schema, no room): later ones go behind it. */
  private queue: Promise<unknown> | undefined
  private roomWaiters: (() => void)[] = []
  private idleWaiters: (() => void)[] = []
  private closing: Promise<void> | undefined

  constructor(driver: Driver, telemetry: Telemetry, options: ProducerOptions = {}) {
    this.driver = driver
    this.telemetry = telemetry
    this.maxBufferedBytes = options.maxBufferedBytes ?? DEFAULT_BUFFER_BYTES
    this.closeTimeoutMs = options.closeTimeoutMs ?? DEFAULT_CLOSE_TIMEOUT_MS
    this.opened = driver.openProducer({ clientId: options.clientId ?? `millrace-${process.pid}` })
    // Whoever sends is told; a producer that nobody uses must not end the process.
    this.opened.catch(() => {})
  }

  get bufferedBytes(): number {
    return this.buffered
  }

  send(topic: TopicLike, value: unknown, options: RecordOptions<unknown> = {}): Promise<SendResult> {
    return this.submit(topicOf(topic), [value], () => options, options.signal).then((results) =>
      results.at(0),
    )
  }

  sendBatch(topic: TopicLike, values: readonly unknown[]): Promise<SendResults> {
    if (!Array.isArray(values)) return Promise.reject(notAnArray())
    return this.submit(topicOf(topic), values)
  }

  sendRecords(topic: TopicLike, records: readonly NewRecord<unknown>[]): Promise<SendResults> {
    if (!Array.isArray(records)) return Promise.reject(notAnArray())
    const values = new Array<unknown>(records.length)
    for (let i = 0; i < values.length; i++) values[i] = records[i]?.value
    return this.submit(topicOf(topic), values, (i) => records[i] as RecordOptions<unknown>)
  }

  async flush(): Promise<void> {
    while (this.unsettled > 0) await new Promise<void>((resolve) => this.idleWaiters.push(resolve))
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown()
    return this.closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  private submit(
    topic: AnyTopic,
    values: readonly unknown[],
    options?: (index: number) => RecordOptions<unknown>,
    signal?: AbortSignal,
  ): Promise<SendResults> {
    if (this.closing) return Promise.reject(closedError())
    if (signal?.aborted) return Promise.reject(signal.reason)
    this.unsettled++
    const call: Call = {
      topic,
      values,
      options,
      operation: this.telemetry.startSend(topic.name, values.length),
      bytes: 0,
    }
    const destination = this.destinations.get(topic.name)
    let sent: Promise<SendResults>
    if (destination && !this.queue && !topic.codec.validate && this.buffered < this.maxBufferedBytes) {
      try {
        sent = this.handOver(call, destination)
      } catch (error) {
        sent = Promise.reject(error)
      }
    } else {
      sent = this.submitBehind(call, signal)
    }
    sent.then(
      () => this.settle(call),
      (error) => this.settle(call, error),
    )
    return signal ? abortable(sent, signal) : sent
  }

  /** Waits its turn, the topic's description, the schema and room, then hands over; nothing overtakes. */
  private submitBehind(call: Call, signal: AbortSignal | undefined): Promise<SendResults> {
    const { topic, values } = call
    const before = this.queue
    let sent: Promise<SendResults> | undefined
    const handedOver = (async () => {
      await before
      const destination = await this.destination(topic.name)
      if (topic.codec.validate) await validateAll(topic, values)
      while (this.buffered >= this.maxBufferedBytes) {
        await new Promise<void>((resolve) => this.roomWaiters.push(resolve))
      }
      signal?.throwIfAborted()
      sent = this.handOver(call, destination)
      sent.catch(() => {})
    })()
    const turn = handedOver
      .catch(() => {})
      .then(() => {
        if (this.queue === turn) this.queue = undefined
      })
    this.queue = turn
    return handedOver.then(() => sent as Promise<SendResults>)
  }

  private handOver(call: Call, destination: Destination): Promise<SendResults> {
    const { topic, values, options } = call
    const inject = call.operation?.inject
    const records = new Array<EncodedRecord>(values.length)
    let bytes = 0
    for (let i = 0; i < records.length; i++) {
      const encoded = encodeRecord(topic, values[i], options?.(i))
      const record = inject ? inject(encoded) : encoded
      bytes += checkRecordSize(topic.name, record, destination.maxRecordBytes)
      records[i] = record
    }
    if (records.length === 0) return Promise.resolve({ length: 0, at: noResult, *[Symbol.iterator]() {} })
    call.bytes = bytes
    this.buffered += bytes
    return destination.lane.add(records)
  }

  private async destination(name: string): Promise<Destination> {
    const known = this.destinations.get(name)
    if (known) return known
    const [producer, description] = await Promise.all([this.opened, this.driver.admin.describeTopic(name)])
    const destination = { lane: new TopicLane(name, producer), maxRecordBytes: description.maxRecordBytes }
    this.destinations.set(name, destination)
    return destination
  }

  private release(bytes: number): void {
    this.buffered -= bytes
    if (this.roomWaiters.length === 0 || this.buffered >= this.maxBufferedBytes) return
    const waiters = this.roomWaiters
    this.roomWaiters = []
    for (const wake of waiters) wake()
  }

  private settle(call: Call, error?: unknown): void {
    this.release(call.bytes)
    call.operation?.end(error)
    if (--this.unsettled > 0) return
    const waiters = this.idleWaiters
    this.idleWaiters = []
    for (const wake of waiters) wake()
  }

  private async shutDown(): Promise<void> {
    const deadline = Date.now() + this.closeTimeoutMs
    const producer = await this.opened.catch(() => undefined)
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.closeTimeoutMs)
    })
    await Promise.race([this.flush(), timeout])
    clearTimeout(timer)
    await producer?.close(Math.max(0, deadline - Date.now()))
  }
}

async function validateAll(topic: AnyTopic, values: readonly unknown[]): Promise<void> {
  await Promise.all(values.map(async (value) => value === null || topic.codec.validate?.(value)))
}

function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function noResult(): never {
  throw new RangeError('no results: nothing was sent')
}

function closedError(): StreamError {
  return new StreamError('CLOSED', 'the producer is closed: open another with streams.producer().')
}

function notAnArray(): StreamError {
  return new StreamError(
    'INVALID_ARGUMENT',
    'sendBatch and sendRecords take an array: use send for one value',
  )
}
