import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import type { From, Until } from '../../src/index.ts'
import { CaseContext } from '../conformance/case-context.ts'
import { readAll } from '../conformance/workload/read-back.ts'
import { memoryBackend } from '../support/memory-backend.ts'
import { runs } from './runs.ts'

/** Records of one partition as they were sent; an aborted one is there and invisible. */
interface Sent {
  readonly position: string
  readonly timestamp: number
  readonly seq: number
  readonly aborted: boolean
}

const START = 1_700_000_000_000
const call = fc.record({
  how: fc.constantFrom('batch' as const, 'commit' as const, 'abort' as const),
  /** Milliseconds after START; they need not rise. */
  times: fc.array(fc.nat(20), { minLength: 1, maxLength: 6 }),
})
const bound = fc.record({
  kind: fc.constantFrom('none' as const, 'at' as const, 'after' as const, 'timestamp' as const),
  choice: fc.nat(22),
})

test('reading gives what a list of the records says, for every from and until', {
  timeout: 60_000,
}, async () => {
  const backend = await memoryBackend()
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { maxLength: 8 }),
        fc.array(fc.tuple(bound, bound, fc.constantFrom(100, 1_000_000)), { minLength: 1, maxLength: 5 }),
        async (calls, reads) => {
          const context = await CaseContext.begin(backend)
          try {
            await compare(context, calls, reads)
          } finally {
            await context.end()
          }
        },
      ),
      runs(250),
    )
  } finally {
    await backend.close()
  }
})

type Call = typeof call extends fc.Arbitrary<infer T> ? T : never
type Bound = typeof bound extends fc.Arbitrary<infer T> ? T : never

async function compare(
  context: CaseContext,
  calls: readonly Call[],
  reads: readonly [Bound, Bound, number][],
): Promise<void> {
  const topic = await context.topic({ verify: false })
  const log = await send(context, topic, calls)
  const { partitions } = await context.streams.admin.describeTopic(topic.name)
  for (const [first, last, fetchMaxBytes] of reads) {
    const from = fromOf(first, log)
    const until = untilOf(last, log)
    const options = { from, until, fetchMaxBytes, partitions: [partitions[0]!.id] }
    const found = (await readAll(context.streams, topic, options)).map((record) => record.value!.seq)
    const expected = log.slice(startOf(from, log), endOf(until, log)).filter(({ aborted }) => !aborted)
    assert.deepEqual(
      found,
      expected.map(({ seq }) => seq),
      JSON.stringify({ from, until, log }),
    )
  }
}

async function send(
  context: CaseContext,
  topic: Awaited<ReturnType<CaseContext['topic']>>,
  calls: readonly Call[],
): Promise<Sent[]> {
  const log: Sent[] = []
  await using producer = context.streams.producer()
  for (const { how, times } of calls) {
    const records = times.map((ms, i) => ({
      value: { producer: 'p', key: 'k', seq: log.length + i },
      timestamp: START + ms,
    }))
    const note = (results: Iterable<{ position: string }>): void => {
      for (const [i, { position }] of [...results].entries()) {
        const { timestamp, value } = records[i]!
        log.push({ position, timestamp, seq: value.seq, aborted: how === 'abort' })
      }
    }
    if (how === 'batch') {
      note(await producer.sendRecords(topic, records))
      continue
    }
    const changedMind = new Error('aborted on purpose')
    const work = context.streams.transaction(async (tx) => {
      note(await tx.sendRecords(topic, records))
      if (how === 'abort') throw changedMind
    })
    await work.catch((error) => {
      if (error !== changedMind) throw error
    })
  }
  return log
}

function fromOf({ kind, choice }: Bound, log: readonly Sent[]): From {
  if (kind === 'timestamp') return { timestamp: START + choice - 1 }
  const record = log[choice % Math.max(1, log.length)]
  if (kind === 'none' || record === undefined) return 'earliest'
  return kind === 'at' ? { at: record.position } : { after: record.position }
}

function untilOf({ kind, choice }: Bound, log: readonly Sent[]): Until {
  if (kind === 'timestamp' && log.some(({ timestamp }) => timestamp >= START + choice))
    return { timestamp: START + choice }
  const record = log[choice % Math.max(1, log.length)]
  if (kind === 'none' || kind === 'timestamp' || record === undefined) return 'now'
  return kind === 'at' ? { at: record.position } : { after: record.position }
}

function startOf(from: From, log: readonly Sent[]): number {
  if (typeof from === 'string') return 0
  if ('at' in from) return log.findIndex(({ position }) => position === from.at)
  if ('after' in from) return log.findIndex(({ position }) => position === from.after) + 1
  // An aborted record is not seen, so it cannot be the first one either; what follows it is the same.
  const first = log.findIndex(({ timestamp }) => timestamp >= Number(from.timestamp))
  return first < 0 ? log.length : first
}

function endOf(until: Until, log: readonly Sent[]): number {
  if (typeof until === 'string') return log.length
  if ('at' in until) return log.findIndex(({ position }) => position === until.at)
  if ('after' in until) return log.findIndex(({ position }) => position === until.after) + 1
  return log.findIndex(({ timestamp }) => timestamp >= Number(until.timestamp))
}
