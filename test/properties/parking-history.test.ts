import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import { test } from 'vitest'
import { deadLetterHeaders, type Header, park, redriveHeaders } from '../../src/index.ts'
import { CaseContext } from '../conformance/case-context.ts'
import { eventually } from '../conformance/eventually.ts'
import { Member } from '../conformance/workload/member.ts'
import { readAll } from '../conformance/workload/read-back.ts'
import { memoryBackend } from '../support/memory-backend.ts'
import { runs } from './runs.ts'

const key = fc.nat(3)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      keys: fc.array(key, { minLength: 1, maxLength: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('break' as const), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mend' as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('redrive' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('split' as const), key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(6) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

test('parked keys: every record is done in the order of its key once all is mended and sent back', {
  timeout: 240_000,
}, async () => {
  const backend = await memoryBackend()
  try {
    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 20 }),
      fc.boolean(),
      async (steps, batched) => {
        const context = await CaseContext.begin(backend)
        try {
          await play(context, steps, batched)
        } finally {
          await context.end()
        }
      },
    )
    await fc.assert(property, runs(80))
  } finally {
    await backend.close()
  }
})

async function play(context: CaseContext, steps: readonly Step[], batched: boolean): Promise<void> {
  const topic = await context.topic({ verify: false })
  const parked = await context.topic({ verify: false })
  const producer = context.producer(topic)
  const broken = new Set<string>()
  /** `key#seq` in the order of first completion. */
  const done = new Set<string>()
  const handle = (value: { key: string; seq: number }): void => {
    if (broken.has(value.key)) throw new Error('broken')
    done.add(`${value.key}#${value.seq}`)
  }
  const start = () =>
    Member.start(context, {
      topics: [topic],
      consumer: { checkpoint: { intervalMs: 3 }, fetchMaxBytes: 500 },
      run: { retry: { attempts: 1 }, onPoison: park(parked.name), concurrency: 3 },
      ...(batched
        ? {
            // One at a time: what follows a poison record within its batch is the handler's own affair.
            run: { retry: { attempts: 1 }, onPoison: park(parked.name), maxBatchRecords: 1 },
            batch: (batch) => {
              for (const { value } of batch) handle(value!)
            },
          }
        : { each: ({ value }) => handle(value!) }),
    })
  const redrive = async () => {
    // All of them each time: one that came back before its turn is passed over, and counts on being sent again.
    const letters = await readAll(context.streams, parked)
    await using sender = context.streams.producer()
    for (const letter of letters) {
      const headers: Header[] = [{ name: redriveHeaders.only, value: Buffer.from(context.group) }]
      const ticket = letter.header(deadLetterHeaders.parked)
      if (ticket !== undefined) headers.push({ name: redriveHeaders.parked, value: Buffer.from(ticket) })
      await sender.send(topic, letter.value, { key: letter.key, headers })
    }
  }
  const through = () =>
    eventually(
      async () => {
        const { partitions } = await context.streams.groups.describeGroup(context.group)
        return partitions.length > 0 && partitions.every(({ lag }) => lag.records === 0)
      },
      { withinMs: 5_000, what: 'the group is through', unless: () => member.throwFailure() },
    )
  let member = await start()
  for (const step of steps) {
    if (step.do === 'send') await producer.sendBatch(step.keys.map((chosen) => `k${chosen}`))
    else if (step.do === 'break') broken.add(`k${step.key}`)
    else if (step.do === 'mend') broken.delete(`k${step.key}`)
    else if (step.do === 'redrive') await redrive()
    else if (step.do === 'wait') await wait(step.ms)
    else if (step.do === 'split') {
      const { partitions } = await context.streams.admin.describeTopic(topic.name)
      const open = partitions.filter(({ state }) => state === 'open')
      if (open.length < 4)
        await context.streams.admin.splitPartition(topic.name, open[step.key % open.length]!.id)
    } else {
      if (step.do === 'restart') await member.close()
      else await context.fault('crash')(member.connection.inner)
      member = await start()
    }
  }
  broken.clear()
  await producer.sendBatch(['k0', 'k1', 'k2', 'k3'])
  await through()
  const { length } = context.oracle.of('sent')
  for (let round = 0; done.size < length; round++) {
    assert.ok(
      round < 20,
      `${length - done.size} of ${length} records are not done, however often they are sent back`,
    )
    await redrive()
    await through()
  }
  await member.close()
  for (const [of, sent] of Map.groupBy(context.oracle.of('sent'), (event) => event.key)) {
    const order = [...done].filter((name) => name.startsWith(`${of}#`))
    assert.deepEqual(
      order,
      sent.map(({ seq }) => `${of}#${seq}`),
      `${of} in order`,
    )
  }
}
