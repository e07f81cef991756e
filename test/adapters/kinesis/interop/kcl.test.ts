import { describe, expect, inject, test } from 'vitest'
import { connect, type Streams, string, topic } from '../../../../src/index.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { sharedLocalstack } from '../../../support/localstack/shared-localstack.ts'
import { uniqueName } from '../../../support/unique-name.ts'
import { JavaProgram } from './java-program.ts'
import { kinesisClasses } from './kinesis-jars.ts'

const TIMEOUT_MS = 400_000
/** KCL takes some 20 s to begin, for elections and waits of its own. */
const PATIENCE_MS = 120_000
const SESSION_MS = 3_000

/** What one of the two read: its key, its value, and by which shard. */
interface Seen {
  readonly shard: string
  readonly key: string
  readonly value: string
}

const decoded = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString()

function seenByKcl(program: JavaProgram): Seen[] {
  return program.lines
    .filter((line) => line.startsWith('RECORD '))
    .map((line) => line.split(' '))
    .map(([, shard, , , key, value]) => ({ shard: shard!, key: decoded(key), value: decoded(value) }))
}

const valuesOf = (seen: readonly Seen[]): string[] => seen.map(({ value }) => value)
const twice = (values: readonly string[]): string[] =>
  values.filter((value, i) => values.indexOf(value) !== i)

/** Keys k0 … k19, values that name the burst: `first 0`, `first 1` … */
const burst = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ key: `k${i % 20}`, value: `${name} ${i}` }))

/** Reads in the group until `enough`; what was seen by then, or soon after, is checkpointed when it resolves. */
async function readBy(
  streams: Streams,
  group: string,
  described: ReturnType<typeof topicOf>,
  seen: Seen[],
  enough: () => boolean,
  maxBatchRecords = 1_000,
): Promise<void> {
  const consumer = streams.consumer({
    group,
    topics: [described],
    from: 'earliest',
    sessionTimeoutMs: SESSION_MS,
  })
  const running = consumer.run({
    maxBatchRecords,
    batch: (batch) => {
      for (const { partition, key, value } of batch) {
        seen.push({ shard: partition, key: key ?? '', value: value ?? '' })
      }
      if (enough()) void consumer.close()
    },
  })
  await Promise.race([running, eventually(enough, { withinMs: PATIENCE_MS })])
  await consumer.close()
  await running
}

const topicOf = (name: string) => topic(name, { value: string(), keySerde: string() })

describe.runIf(inject('docker'))('beside KCL and KPL', () => {
  test('a group moves from ours to KCL, to both and back, aggregates included', {
    timeout: TIMEOUT_MS,
  }, async (context) => {
    const found = kinesisClasses(import.meta.dirname, 'interop')
    if ('missing' in found) return context.skip(`KCL is not here: ${found.missing}`)
    const { classPath } = found
    const endpoint = await sharedLocalstack()
    const name = uniqueName('kcl')
    const group = uniqueName('application')
    const described = topicOf(name)
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
    const address = `kinesis://us-east-1?endpoint=${endpoint}&aggregate=true&requestTimeoutMs=30000`
    await using streams = (await connect(address, { credentials })) as Streams
    await streams.admin.createTopic({ name, partitions: 2 })
    await using producer = streams.producer()
    const expected: string[] = []
    const send = async (what: string, count: number): Promise<void> => {
      const records = burst(what, count)
      expected.push(...records.map(({ value }) => value))
      await producer.sendRecords(described, records)
    }

    // KPL writes, then ours: in aggregates both.
    await using kpl = new JavaProgram(classPath, 'KplProducer', [
      ...['127.0.0.1', new URL(endpoint).port, name, '200'],
    ])
    await kpl.ended()
    expect(kpl.lines, kpl.errors).toContain('SENT 200')
    expected.push(...Array.from({ length: 200 }, (_, i) => `${i} of KPL`))
    await send('first', 300)

    // Ours reads a part, and leaves in the middle of an aggregate.
    const ours: Seen[] = []
    await readBy(streams, group, described, ours, () => ours.length >= 100, 37)
    expect(ours.length).toBeGreaterThanOrEqual(100)
    expect(ours.length).toBeLessThan(400)
    const before = ours.length

    // KCL goes on at the next record of each shard.
    await using kcl = new JavaProgram(classPath, 'KclApplication', [endpoint, name, group, 'kcl-worker'])
    const alive = (): void => {
      if (!kcl.running) throw new Error(`KCL has ended: ${kcl.errors}`)
    }
    await eventually(() => seenByKcl(kcl).length + before >= expected.length, {
      withinMs: PATIENCE_MS,
      what: 'KCL reads on where ours stopped',
      unless: alive,
    })
    const all = [...valuesOf(ours), ...valuesOf(seenByKcl(kcl))]
    expect(all.toSorted()).toEqual(expected.toSorted())
    for (const { key, value } of [...ours, ...seenByKcl(kcl)]) {
      const number = Number(/\d+/.exec(value)![0])
      expect(key).toBe(value.endsWith('KPL') ? `key-${number}` : `k${number % 20}`)
    }

    // Both together: ours joins, gets its share, and nothing is lost.
    const bursts = (async () => {
      for (let i = 0; i < 6; i++) {
        await send(`both-${i}`, 100)
        await eventually(() => haveAll(), { withinMs: PATIENCE_MS, unless: alive, what: `burst ${i}` })
      }
    })()
    const haveAll = (): boolean => {
      const seen = new Set([...valuesOf(ours), ...valuesOf(seenByKcl(kcl))])
      return expected.every((value) => seen.has(value))
    }
    let sent = false
    void bursts.then(() => {
      sent = true
    })
    await Promise.all([bursts, readBy(streams, group, described, ours, () => sent && ours.length > before)])
    expect(haveAll()).toBe(true)

    // KCL has all shards again, and halts in the middle of an aggregate, a checkpoint behind it.
    kcl.say('45')
    await eventually(() => kcl.lines.includes('HALTING'), { unless: alive })
    await send('last', 300)
    await eventually(() => !kcl.running, { withinMs: PATIENCE_MS, what: 'KCL halts' })
    const halted = seenByKcl(kcl)
    const [, shard, sequence, sub] = kcl.lines.find((line) => line.startsWith('CHECKPOINT '))!.split(' ')
    expect(Number(sub)).toBeGreaterThan(0)

    // Ours goes on right behind it.
    const after: Seen[] = []
    const lasting = (): boolean => {
      const seen = new Set([...valuesOf(after), ...valuesOf(halted), ...valuesOf(ours)])
      return expected.every((value) => seen.has(value))
    }
    await readBy(streams, group, described, after, lasting)
    expect(lasting()).toBe(true)
    const inShard = valuesOf(after.filter((each) => each.shard === shard))
    const known = new Set(valuesOf(halted.filter((each) => each.shard === shard)))
    expect(inShard.filter((value) => known.has(value))).toEqual([])
    expect(twice(valuesOf(after))).toEqual([])
    expect(`${sequence}`).toMatch(/^\d+$/)
  })
})
