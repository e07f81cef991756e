import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import type { Sender, Streams } from '../../../src/index.ts'
import { idOf, type LoadRecord, loadTopic } from '../workload/load.ts'
import { LoadProducer } from '../workload/load-producer.ts'
import { say, tell } from './say.ts'
import type { Task } from './task.ts'

type Of<R extends Task['role']> = Extract<Task, { role: R }> & { readonly member: string }

export async function runTask(
  streams: Streams<'transactions'>,
  task: Task & { member: string },
): Promise<void> {
  if (task.role === 'produce') await produce(streams, task)
  else if (task.role === 'consume') await consume(streams, task)
  else if (task.role === 'pipe') await pipe(streams, task)
  else if (task.role === 'stay') await once(stdinEnds(), 'abort')
  else await leave(streams, task)
}

async function produce(streams: Streams, task: Of<'produce'>): Promise<void> {
  await using producer = streams.producer()
  const load = new LoadProducer(producer, task.producer, loadTopic(task.topic), tell)
  for (let round = 0; round < task.rounds; round++) {
    const sent = task.batched ? [load.sendBatch(task.keys)] : task.keys.map((key) => load.send(key))
    const all = Promise.all(sent)
    all.catch(() => {})
    if (task.gapMs !== undefined) await wait(task.gapMs)
    // Some rounds wait, so that a kill finds some sends acknowledged and some under way.
    if (round % 4 === 3) await all
  }
}

async function consume(streams: Streams, task: Of<'consume'>): Promise<void> {
  const consumer = streams.consumer({
    group: task.group,
    topics: [loadTopic(task.topic)],
    sessionTimeoutMs: task.sessionTimeoutMs ?? 500,
    checkpoint: { intervalMs: 15, records: 10 },
    signal: stdinEnds(),
  })
  await consumer.run({
    concurrency: task.concurrency ?? 1,
    each: async (record) => {
      delivered(task, record as LoadRecord)
      if (task.handleMs) await wait(task.handleMs)
    },
  })
}

/** Each batch and its results become visible together with its checkpoint. */
async function pipe(streams: Streams<'transactions'>, task: Of<'pipe'>): Promise<void> {
  const into = loadTopic(task.into)
  const consumer = streams.consumer({
    group: task.group,
    topics: [loadTopic(task.topic)],
    sessionTimeoutMs: task.sessionTimeoutMs ?? 500,
    fetchMaxBytes: 2_000,
    checkpoint: 'manual',
    signal: stdinEnds(),
  })
  for await (const batch of consumer) {
    try {
      await streams.transaction(batch, async (tx: Sender) => {
        for (const record of batch) await tx.send(into, record.value!)
      })
      say('piped')
    } catch (error) {
      say(`failed ${error instanceof Error ? error.message : error}`)
    }
  }
}

async function leave(streams: Streams, task: Of<'leave'>): Promise<void> {
  const topic = loadTopic(task.topic)
  await streams.admin.createTopic({ name: task.topic, partitions: 2 })
  const producer = streams.producer()
  const load = new LoadProducer(producer, task.member, topic, tell)
  await load.burst({ keys: ['a', 'b'], perKey: 10 })
  const reader = streams.read(topic)
  for await (const _ of reader) break
  const consumer = streams.consumer({ group: task.group, topics: [topic], sessionTimeoutMs: 30_000 })
  const seen = Promise.withResolvers<void>()
  const running = consumer.run({ each: () => seen.resolve(), maxProcessingMs: 600_000 })
  await Promise.race([seen.promise, running])
  await consumer.close()
  await running
  // The producer is left to `streams.close()`.
}

function delivered(task: { group: string; member: string }, record: LoadRecord): void {
  const { topic, partition, position } = record
  tell({
    type: 'delivered',
    group: task.group,
    member: task.member,
    topic,
    partition,
    position,
    ...idOf(record.value!),
  })
}

function stdinEnds(): AbortSignal {
  const controller = new AbortController()
  process.stdin.on('end', () => controller.abort()).resume()
  return controller.signal
}
