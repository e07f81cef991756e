import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MemoryStore } from '../../../../adapters/log/storage/memory-store.ts'
import type { PartitionLog } from '../../../../adapters/log/storage/partition-log.ts'
import type { SegmentStore } from '../../../../adapters/log/storage/store.ts'
import { batchOf, markerOf, openLog, readRecords, snapshotStore } from './fixtures.ts'

const PRODUCERS = 3

type Step =
  | { kind: 'plain'; key: number }
  | { kind: 'write'; producer: number; key: number; tombstone: boolean }
  | { kind: 'end'; producer: number; type: 'commit' | 'abort' }
  | { kind: 'resend'; producer: number }
  | { kind: 'compact' | 'wait' | 'close' | 'crash' | 'loseFiles' }

const producer = fc.nat(PRODUCERS - 1)
const key = fc.nat(5)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('plain' as const), key }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('write' as const), producer, key, tombstone: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      producer,
      type: fc.constantFrom('commit' as const, 'abort' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resend' as const), producer }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constantFrom('compact', 'wait', 'close', 'crash', 'loseFiles') }),
  } as { weight: number; arbitrary: fc.Arbitrary<Step> },
)

interface Written {
  readonly key: string
  readonly value: string | null
  /** -1: outside a transaction. */
  readonly producer: number
  state: 'open' | 'committed' | 'aborted'
}

class Machine {
  /** By offset; null for markers. */
  readonly records: (Written | null)[] = []
  readonly sequences = new Array<number>(PRODUCERS).fill(0)
  readonly lastBatch: ({ batch: Buffer; offset: number } | undefined)[] = []
  store: SegmentStore = new MemoryStore()
  log!: PartitionLog
  now = 1_000_000

  async open(): Promise<void> {
    this.log = await openLog(this.store, {
      segmentBytes: 400,
      compacted: true,
      deleteRetentionMs: 100,
      // Several rounds.
      compactionKeys: 3,
      now: () => this.now,
    })
  }

  async run(next: Step): Promise<void> {
    const { log, records } = this
    const offset = records.length
    switch (next.kind) {
      case 'plain': {
        const record = { key: `k${next.key}`, value: `${offset}` }
        log.append(batchOf([record]))
        records.push({ ...record, producer: -1, state: 'committed' })
        return
      }
      case 'write': {
        const record = { key: `k${next.key}`, value: next.tombstone ? null : `${offset}` }
        const batch = batchOf([record], {
          producerId: next.producer,
          producerEpoch: 0,
          baseSequence: this.sequences[next.producer]!++,
          transactional: true,
        })
        expect(log.append(batch)).toEqual({ baseOffset: offset, duplicate: false })
        this.lastBatch[next.producer] = { batch, offset }
        records.push({ ...record, producer: next.producer, state: 'open' })
        return
      }
      case 'end':
        log.append(markerOf(next.type, next.producer))
        for (const record of records) {
          if (record?.producer !== next.producer || record.state !== 'open') continue
          record.state = next.type === 'commit' ? 'committed' : 'aborted'
        }
        records.push(null)
        return
      case 'resend': {
        const last = this.lastBatch[next.producer]
        if (last === undefined) return
        expect(log.append(last.batch)).toEqual({ baseOffset: last.offset, duplicate: true })
        return
      }
      case 'compact':
        await log.compact()
        return
      case 'wait':
        this.now += 150
        return
      case 'crash':
        this.store = snapshotStore(this.store)
        return this.open()
      case 'close':
        await log.close()
        return this.open()
      case 'loseFiles':
        await log.close()
        for (const name of this.store.list()) {
          if (/\.(index|timeindex|txnindex|producers)$/.test(name)) await this.store.delete(name)
        }
        return this.open()
    }
  }

  async check(): Promise<void> {
    const { log, records } = this
    const open = records.findIndex((record) => record?.state === 'open')
    const stable = open < 0 ? records.length : open
    expect([log.endOffset, log.lastStableOffset]).toEqual([records.length, stable])
    const newest = new Map<string, number>()
    for (const [offset, record] of records.slice(0, stable).entries()) {
      if (record?.state === 'committed') newest.set(record.key, offset)
    }
    const seen = await readRecords(log, { committed: true })
    for (const { offset, key, value } of seen) {
      expect(records[offset]).toMatchObject({ key, value, state: 'committed' })
    }
    const offsets = new Set(seen.map(({ offset }) => offset))
    for (const [of, offset] of newest) {
      if (records[offset]!.value !== null && !offsets.has(offset))
        throw new Error(`${of} at ${offset} is lost`)
      // A tombstone may go, and then nothing older may be left.
      if (!offsets.has(offset)) expect(seen.filter((record) => record.key === of)).toEqual([])
    }
    // Without isolation, what is undecided is there.
    const all = new Set((await readRecords(log)).map(({ offset }) => offset))
    for (const [offset, record] of records.entries()) {
      if (record?.state === 'open' || (record !== null && offset >= stable)) expect(all).toContain(offset)
    }
  }
}

it('any history of transactions, compactions and crashes shows what was committed', {
  timeout: 900_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 100, size: 'max' }), async (steps) => {
      const machine = new Machine()
      await machine.open()
      for (const next of steps) {
        await machine.run(next)
        await machine.check()
      }
      await machine.log.close()
    }),
    { numRuns: process.env.MILLRACE_LONG === undefined ? 100 : 2000 },
  )
})
