// One step of big-log.ts, in a process of its own: its memory and its opening are not helped by the steps before.
import { connect, type StreamRecord, type Streams } from '../../src/index.ts'
import type { Round } from '../harness/contender.ts'
import { batchesOf, valuesOf } from '../harness/records.ts'
import { startClock } from '../harness/timed.ts'
import { consumeAll } from '../millrace/consume-all.ts'
import { bytesTopic } from '../millrace/open-streams.ts'

export interface Step {
  readonly kind: 'fill' | 'open' | 'crash' | 'read' | 'group'
  readonly folder: string
  readonly bytes?: number
}

export interface Report {
  readonly records: number
  /** Of the step's work, opening not counted. */
  readonly millis: number
  /** From the call of `connect` until it resolved. */
  readonly openMs: number
  /** From the call of `connect` until the first record was read. */
  readonly firstMs: number
  readonly peakRssMiB: number
}

const VALUE_BYTES = 256
const BATCH = 1_000
const described = bytesTopic('big')
const task: Step = JSON.parse(process.argv[2]!)
const began = performance.now()
const streams = await connect(`log:${task.folder}/log`)
const openMs = performance.now() - began
let firstMs = 0
const round = await work(streams)
process.send?.({
  records: round.records,
  millis: round.millis,
  openMs,
  firstMs,
  peakRssMiB: process.resourceUsage().maxRSS / 1024,
} satisfies Report)
if (task.kind !== 'crash') {
  await streams.close()
  process.disconnect?.()
}

async function work(streams: Streams): Promise<Round> {
  const stop = startClock()
  switch (task.kind) {
    case 'fill': {
      await streams.admin.createTopic({ name: described.name })
      return append(streams, Math.ceil(task.bytes! / (VALUE_BYTES + 13) / BATCH))
    }
    case 'crash':
      return append(streams, 1)
    case 'open': {
      for await (const batch of streams.read(described, { until: 'now' })) {
        firstMs = performance.now() - began
        return stop(batch.length)
      }
      return stop(0)
    }
    case 'read': {
      let records = 0
      let size = 0
      for await (const batch of streams.read(described, { until: 'now' })) {
        for (const record of batch) size += look(record)
        records += batch.length
      }
      return checked(stop(records), size)
    }
    case 'group': {
      let size = 0
      const { partitions } = await streams.admin.describeTopic(described.name)
      const round = await consumeAll(streams, described, Number(partitions[0]!.latest), (done) => ({
        batch: (batch) => {
          for (const record of batch) size += look(record)
          done(batch.length)
        },
      }))
      return checked(round, size)
    }
  }
}

function checked(round: Round, size: number): Round {
  if (size < round.records * VALUE_BYTES) throw new Error(`saw ${size} bytes of ${round.records} records`)
  return round
}

function look(record: StreamRecord<Uint8Array, Uint8Array | string>): number {
  return record.key!.length + record.value!.length
}

async function append(streams: Streams, count: number): Promise<Round> {
  const batches = batchesOf(valuesOf(VALUE_BYTES), BATCH)
  const stop = startClock()
  const producer = streams.producer()
  for (let n = 0; n < count; n++) await producer.sendBatch(described, batches[n % batches.length]!)
  if (task.kind === 'fill') await producer.close()
  return stop(count * BATCH)
}
