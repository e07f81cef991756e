// `node --expose-gc bench/kafka-soak.ts [--minutes N] [--driver direct|kafkajs]`: produces and consumes at full speed in one process and
// prints, each minute, what it moved and the memory that it has after a collection. Needs Docker; default: ten minutes.
import { parseArgs } from 'node:util'
import { connect, type Streams } from '../src/index.ts'
import { describeMachine } from './harness/machine.ts'
import { batchesOf, valuesOf } from './harness/records.ts'
import { noteOf } from './harness/save.ts'
import { startBroker } from './kafkajs/start-broker.ts'
import { bytesTopic, topicName } from './millrace/open-streams.ts'

const VALUE_BYTES = 256
const BATCH = 1_000
const PARTITIONS = 6
const IN_FLIGHT = 5
/** The sender waits while so many records are not consumed yet, so that retention does not overtake the group. */
const MOST_BEHIND = 500_000
const MINUTE_MS = 60_000
const MIB = 2 ** 20

const { values: options } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, driver: { type: 'string', default: 'direct' } },
})
const minutes = Number(options.minutes)
process.stdout.write(`${noteOf(describeMachine(), new Date())}; driver=${options.driver}\n`)
// Some 100 MB a second: the broker is to remove what was read within seconds.
await using broker = await startBroker({ KAFKA_LOG_RETENTION_CHECK_INTERVAL_MS: '5000' })
const streams = await connect(`kafka://${broker.address}?driver=${options.driver}`)
try {
  await soak(streams)
} finally {
  await streams.close()
}

async function soak(streams: Streams): Promise<void> {
  const topic = bytesTopic(topicName('soak'))
  await streams.admin.createTopic({
    name: topic.name,
    partitions: PARTITIONS,
    retentionBytes: 256 * MIB,
    settings: { 'segment.bytes': String(32 * MIB), 'file.delete.delay.ms': '1000' },
  })
  const producer = streams.producer()
  const consumer = streams.consumer({ group: topic.name, topics: [topic] })
  let consumed = 0
  let sent = 0
  const running = consumer.run({
    batch: (batch) => {
      for (const { value } of batch) if (value?.length !== VALUE_BYTES) throw new Error('not what was sent')
      consumed += batch.length
    },
  })
  const batches = batchesOf(valuesOf(VALUE_BYTES), BATCH)
  const end = performance.now() + minutes * MINUTE_MS
  const sender = async (): Promise<void> => {
    while (performance.now() < end) {
      if (sent - consumed > MOST_BEHIND) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        continue
      }
      sent += BATCH
      await producer.sendBatch(topic, batches[(sent / BATCH) % batches.length]!)
    }
  }
  line('minute', 'sent/s', 'consumed/s', 'RSS MiB', 'heap MiB', 'buffers MiB')
  const sending = Promise.all(Array.from({ length: IN_FLIGHT }, sender))
  for (let minute = 1; minute <= minutes; minute++) {
    const before = { sent, consumed, at: performance.now() }
    const over = new Promise((resolve) => setTimeout(resolve, MINUTE_MS))
    await Promise.race([over, running.then(() => Promise.reject(new Error('the consumer ended')))])
    const seconds = (performance.now() - before.at) / 1_000
    globalThis.gc?.()
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
    const rates = [sent - before.sent, consumed - before.consumed].map((count) => count / seconds)
    line(minute, ...rates, rss / MIB, heapUsed / MIB, arrayBuffers / MIB)
  }
  await sending
  while (consumed < sent) await Promise.race([new Promise((resolve) => setTimeout(resolve, 50)), running])
  await Promise.all([producer.close(), consumer.close()])
  await running
  process.stdout.write(`all ${sent.toLocaleString('en')} records were consumed\n`)
}

function line(...cells: readonly (string | number)[]): void {
  const text = cells.map((cell) => (typeof cell === 'number' ? Math.round(cell).toLocaleString('en') : cell))
  process.stdout.write(`${text.map((each) => each.padStart(12)).join('')}\n`)
}
