import {
  type Context,
  type Counter,
  context,
  createNoopMeter,
  type Histogram,
  type Link,
  type MeterProvider,
  metrics,
  type ObservableGauge,
  ProxyTracerProvider,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { FetchedBatch } from '../driver.ts'
import type { Lag } from '../position.ts'
import type { EncodedRecord, Header } from '../record.ts'

const NAME = 'millrace'
/** What the API hands out as long as nobody registered an SDK. */
const NO_TRACING = new ProxyTracerProvider().getDelegate()
/** More links than this are cut by default SDK limits. */
const MAX_LINKS = 128

/** A call of a producer under observation. */
export interface SendOperation {
  /** Puts the trace context into a record's headers; undefined when none is to be carried. */
  readonly inject: ((record: EncodedRecord) => EncodedRecord) | undefined
  end(error?: unknown): void
}

/**
 * OpenTelemetry by its API alone: spans and metrics with the messaging semantic conventions where an SDK is
 * registered, next to nothing where none is. Metrics want the SDK registered before `connect`.
 * https://opentelemetry.io/docs/specs/semconv/messaging/
 */
export class Telemetry {
  private readonly system: string
  private readonly propagate: boolean
  /** Whether a meter provider is registered. */
  readonly measuring: boolean
  private readonly sentMessages: Counter
  private readonly consumedMessages: Counter
  private readonly operationDuration: Histogram
  private readonly processDuration: Histogram
  private readonly lag: ObservableGauge
  private readonly age: ObservableGauge

  /** `propagate`: write the trace context into the headers of what is sent. */
  constructor(system: string, propagate: boolean, provider: MeterProvider = metrics.getMeterProvider()) {
    this.system = system
    this.propagate = propagate
    const meter = provider.getMeter(NAME)
    this.measuring = meter !== createNoopMeter()
    this.sentMessages = meter.createCounter('messaging.client.sent.messages', { unit: '{message}' })
    this.consumedMessages = meter.createCounter('messaging.client.consumed.messages', { unit: '{message}' })
    this.operationDuration = meter.createHistogram('messaging.client.operation.duration', { unit: 's' })
    this.processDuration = meter.createHistogram('messaging.process.duration', { unit: 's' })
    this.lag = meter.createObservableGauge('millrace.consumer.lag', {
      unit: '{record}',
      description: 'Records behind the end of the partition, as known at the last fetch',
    })
    this.age = meter.createObservableGauge('millrace.consumer.age', {
      unit: 's',
      description: 'Time behind the end of the partition (iterator age), as known at the last fetch',
    })
  }

  /** The tracer, or undefined when nobody listens. */
  private get tracer(): Tracer | undefined {
    const provider = trace.getTracerProvider()
    const real = provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider
    return real === NO_TRACING ? undefined : provider.getTracer(NAME)
  }

  /** One call of a producer: undefined when nobody looks. */
  startSend(topic: string, count: number): SendOperation | undefined {
    const tracer = this.tracer
    if (tracer === undefined && !this.measuring) return undefined
    const attributes = this.attributes(topic, 'send')
    const began = performance.now()
    const span = tracer?.startSpan(`send ${topic}`, {
      kind: SpanKind.PRODUCER,
      attributes: {
        ...attributes,
        'messaging.operation.type': 'send',
        'messaging.batch.message_count': count,
      },
    })
    const sender = span && trace.setSpan(context.active(), span)
    return {
      inject: sender && this.propagate ? (record) => withContext(record, sender) : undefined,
      end: (error) => {
        const full = error === undefined ? attributes : { ...attributes, 'error.type': errorType(error) }
        this.sentMessages.add(count, full)
        this.operationDuration.record((performance.now() - began) / 1000, full)
        if (span) error === undefined ? span.end() : endFailed(span, error)
      },
    }
  }

  /** Whether anybody looks at process spans: asked once a batch, so that records cost nothing when not. */
  get tracing(): boolean {
    return this.tracer !== undefined
  }

  /** Runs a handler inside a process span: a child of the sender's for one record, with links to all for a batch. */
  traceProcess<T>(group: string, batch: FetchedBatch, indexes: Iterable<number>, work: () => T): T {
    const tracer = this.tracer
    if (tracer === undefined) return work()
    const contexts: Context[] = []
    let count = 0
    for (const index of indexes) {
      count++
      if (contexts.length < MAX_LINKS)
        contexts.push(propagation.extract(context.active(), batch.headers(index), carrier))
    }
    const links: Link[] = contexts
      .flatMap((sender) => trace.getSpanContext(sender) ?? [])
      .map((spanContext) => ({ context: spanContext }))
    const span = tracer.startSpan(
      `process ${batch.topic}`,
      {
        kind: SpanKind.CONSUMER,
        links,
        attributes: {
          ...this.attributes(batch.topic, 'process'),
          'messaging.operation.type': 'process',
          'messaging.consumer.group.name': group,
          'messaging.destination.partition.id': batch.partition,
          'messaging.batch.message_count': count,
        },
      },
      count === 1 ? contexts[0] : context.active(),
    )
    return context.with(trace.setSpan(context.active(), span), () => endWith(span, work))
  }

  /** Counts what a handler was given and how long it took, milliseconds. */
  processed(topic: string, group: string, count: number, elapsedMs: number, error?: unknown): void {
    const attributes = { ...this.attributes(topic, 'process'), 'messaging.consumer.group.name': group }
    const full = error === undefined ? attributes : { ...attributes, 'error.type': errorType(error) }
    this.consumedMessages.add(count, full)
    this.processDuration.record(elapsedMs / 1000, full)
  }

  /** Reports lag by partition, by records and by time as the backend counts, until the function returned is called. */
  observeLag(
    read: () => Iterable<{ topic: string; partition: string; group: string; lag: Lag }>,
  ): () => void {
    const observe =
      (pick: (lag: Lag) => number | undefined): Parameters<ObservableGauge['addCallback']>[0] =>
      (result) => {
        for (const { topic, partition, group, lag } of read()) {
          const value = pick(lag)
          if (value === undefined) continue
          result.observe(value, {
            'messaging.destination.name': topic,
            'messaging.destination.partition.id': partition,
            'messaging.consumer.group.name': group,
          })
        }
      }
    const records = observe((lag) => lag.records)
    const seconds = observe(({ millis }) => (millis === undefined ? undefined : millis / 1_000))
    this.lag.addCallback(records)
    this.age.addCallback(seconds)
    return () => {
      this.lag.removeCallback(records)
      this.age.removeCallback(seconds)
    }
  }

  private attributes(topic: string, operation: string): Record<string, string> {
    return {
      'messaging.system': this.system,
      'messaging.destination.name': topic,
      'messaging.operation.name': operation,
    }
  }
}

function withContext(record: EncodedRecord, sender: Context): EncodedRecord {
  const carried: Header[] = []
  propagation.inject(sender, carried, {
    set: (headers, name, value) => headers.push({ name, value: Buffer.from(value) }),
  })
  if (carried.length === 0) return record
  const own = record.headers.filter((header) => !carried.some((other) => other.name === header.name))
  return { ...record, headers: [...own, ...carried] }
}

const carrier = {
  get: (headers: readonly Header[], name: string): string | undefined => {
    const value = headers.find((header) => header.name.toLowerCase() === name)?.value
    return value == null ? undefined : Buffer.from(value).toString()
  },
  keys: (headers: readonly Header[]): string[] => headers.map((header) => header.name),
}

function endWith<T>(span: Span, work: () => T): T {
  try {
    const result = work()
    if (result instanceof Promise) {
      result.then(
        () => span.end(),
        (error) => endFailed(span, error),
      )
    } else {
      span.end()
    }
    return result
  } catch (error) {
    endFailed(span, error)
    throw error
  }
}

function endFailed(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  span.setAttribute('error.type', errorType(error))
  span.setStatus({ code: SpanStatusCode.ERROR, message })
  span.end()
}

function errorType(error: unknown): string {
  if (error instanceof Error)
    return 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return typeof error
}
