import { context, metrics, propagation, SpanKind, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterEach, describe, expect, test } from 'vitest'
import { Telemetry } from '../../../src/telemetry/telemetry.ts'
import { events, eventually, filled } from '../consumer/fixture.ts'

describe('telemetry', () => {
  afterEach(() => {
    trace.disable()
    metrics.disable()
    context.disable()
    propagation.disable()
  })

  function register() {
    const spans = new InMemorySpanExporter()
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
    trace.setGlobalTracerProvider(
      new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
    )
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    propagation.setGlobalPropagator(new W3CTraceContextPropagator())
    return { spans, exporter, reader }
  }

  test('nothing is added to records, and nothing recorded, without an SDK', async () => {
    const { streams } = await filled(1, 1)
    const [record] = await Array.fromAsync(streams.read(events, { until: 'now' }).records())
    expect(record?.headers).toEqual([])
    await streams.close()
  })

  test('a process span is the child of its send span, across the wire', async () => {
    const { spans } = register()
    const { streams } = await filled(1, 1)
    const consumer = streams.consumer({ group: 'g', topics: [events] })
    let inside: string | undefined
    const run = consumer.run({
      each: () => {
        inside = trace.getActiveSpan()?.spanContext().traceId
      },
    })
    await eventually('it is processed', () => consumer.stats.processed === 1)
    await consumer.close()
    await run
    await streams.close()
    const send = spans.getFinishedSpans().find((span) => span.kind === SpanKind.PRODUCER)
    const process = spans.getFinishedSpans().find((span) => span.kind === SpanKind.CONSUMER)
    expect(send?.name).toBe('send events')
    expect(process?.name).toBe('process events')
    expect(process?.parentSpanContext?.spanId).toBe(send?.spanContext().spanId)
    expect(inside).toBe(send?.spanContext().traceId)
    expect(process?.attributes).toMatchObject({
      'messaging.system': 'memory',
      'messaging.destination.name': 'events',
      'messaging.operation.name': 'process',
      'messaging.consumer.group.name': 'g',
      'messaging.destination.partition.id': '0',
    })
  })

  test('a batch has one span with links, and a failure is on it', async () => {
    const { spans } = register()
    const { streams, producer } = await filled(3, 3)
    await producer.send(events, { id: 'x', n: 3 })
    const consumer = streams.consumer({ group: 'g', topics: [events] })
    await expect(
      consumer.run({
        retry: { attempts: 1 },
        batch: () => {
          throw new TypeError('no')
        },
      }),
    ).rejects.toThrow('no')
    await streams.close()
    const [process] = spans.getFinishedSpans().filter((span) => span.kind === SpanKind.CONSUMER)
    expect(process?.attributes['messaging.batch.message_count']).toBe(4)
    expect(process?.attributes['error.type']).toBe('TypeError')
    expect(process?.links).toHaveLength(4)
  })

  test('counts, durations and lag are measured', async () => {
    const { exporter, reader } = register()
    const { streams } = await filled(5, 5)
    const consumer = streams.consumer({ group: 'g', topics: [events] })
    const run = consumer.run({ each: () => {} })
    await eventually('all is processed', () => consumer.stats.processed === 5)
    await reader.forceFlush()
    const measured = new Map(
      exporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) =>
          scopeMetrics.flatMap((scope) =>
            scope.metrics.map((metric) => [metric.descriptor.name, metric.dataPoints[0]?.value]),
          ),
        ),
    )
    expect(measured.get('messaging.client.sent.messages')).toBe(5)
    expect(measured.get('messaging.client.consumed.messages')).toBe(5)
    expect(measured.get('messaging.process.duration')).toMatchObject({ count: 5 })
    expect(measured.get('messaging.client.operation.duration')).toMatchObject({ count: 1 })
    expect(measured.get('millrace.consumer.lag')).toBe(0)
    await consumer.close()
    await run
    await streams.close()
  })

  test('lag is measured as the backend counts it: by records, by time, or by both', async () => {
    const { exporter, reader } = register()
    const telemetry = new Telemetry('aws_kinesis', false)
    const place = { topic: 't', partition: 'p', group: 'g' }
    const forget = telemetry.observeLag(() => [
      { ...place, lag: { millis: 1_500 } },
      { ...place, partition: 'q', lag: { records: 7 } },
    ])
    await reader.forceFlush()
    forget()
    const points = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
      .flatMap(({ descriptor, dataPoints }) =>
        dataPoints.map(({ value, attributes }) => [
          descriptor.name,
          attributes['messaging.destination.partition.id'],
          value,
        ]),
      )
    expect(points).toEqual([
      ['millrace.consumer.lag', 'q', 7],
      ['millrace.consumer.age', 'p', 1.5],
    ])
  })
})
