import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MemoryStore } from '../../../../adapters/log/storage/memory-store.ts'
import type { PartitionLog } from '../../../../adapters/log/storage/partition-log.ts'
import type { SegmentStore } from '../../../../adapters/log/storage/store.ts'
import { batchOf, logFile, openLog, patchFile, readRecords, snapshotStore } from './fixtures.ts'

type Step =
  | { kind: 'append'; count: number; bytes: number }
  | { kind: 'read'; from: number; maxBytes: number }
  | { kind: 'retain'; bytes: number }
  | { kind: 'deleteBefore'; share: number }
  | { kind: 'compact' }
  | { kind: 'close' }
  | { kind: 'crash' }
  | { kind: 'tear'; bytes: number }
  | { kind: 'loseIndexes' }

const share = fc.double({ min: 0, max: 1, noNaN: true })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      count: fc.integer({ min: 1, max: 5 }),
      bytes: fc.integer({ min: 0, max: 300 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      from: share,
      maxBytes: fc.integer({ min: 1, max: 2000 }),
    }),
  },
  fc.record({ kind: fc.constant('retain' as const), bytes: fc.integer({ min: 0, max: 3000 }) }),
  fc.record({ kind: fc.constant('deleteBefore' as const), share }),
  fc.constant({ kind: 'compact' as const }),
  fc.constant({ kind: 'close' as const }),
  fc.constant({ kind: 'crash' as const }),
  fc.record({ kind: fc.constant('tear' as const), bytes: fc.integer({ min: 1, max: 400 }) }),
  fc.constant({ kind: 'loseIndexes' as const }),
)

/** The log as an array: index is offset, null is a record that compaction may have taken. */
class Model {
  readonly values: { key: string; value: string }[] = []
  /** First offset of each batch. */
  readonly batches: number[] = []
  start = 0
  /** Before it, only the newest record of each key has to be there. */
  compactedTo = 0
}

const OPTIONS = { segmentBytes: 600, indexIntervalBytes: 64, compacted: true }

class Machine {
  readonly model = new Model()
  store: SegmentStore = new MemoryStore()
  log!: PartitionLog

  async open(): Promise<void> {
    this.log = await openLog(this.store, OPTIONS)
  }

  async run(next: Step): Promise<void> {
    const { model, log } = this
    switch (next.kind) {
      case 'append': {
        const base = model.values.length
        const records = Array.from({ length: next.count }, (_, i) => ({
          key: `k${(base + i) % 7}`,
          value: `${base + i} ${'x'.repeat(next.bytes)}`,
        }))
        expect(log.append(batchOf(records)).baseOffset).toBe(base)
        model.batches.push(base)
        model.values.push(...records)
        return
      }
      case 'read': {
        const from = model.start + Math.floor(next.from * (model.values.length - model.start))
        return this.check(from, next.maxBytes)
      }
      case 'retain':
        log.updateOptions({ retentionBytes: next.bytes })
        await log.applyRetention()
        log.updateOptions({ retentionBytes: Number.POSITIVE_INFINITY })
        expect(log.startOffset).toBeGreaterThanOrEqual(model.start)
        model.start = log.startOffset
        return
      case 'deleteBefore': {
        const offset = Math.floor(next.share * (model.values.length + 1))
        await log.deleteBefore(Math.min(offset, model.values.length))
        model.start = Math.max(model.start, Math.min(offset, model.values.length))
        return
      }
      case 'compact':
        model.compactedTo = Math.max(model.compactedTo, (await log.compact()).cleanedOffset)
        return
      case 'close':
        await log.close()
        return this.open()
      case 'crash':
        this.store = snapshotStore(this.store)
        return this.open()
      case 'tear':
        return this.tear(next.bytes)
      case 'loseIndexes':
        await log.close()
        for (const name of this.store.list()) {
          if (/\.(index|timeindex|txnindex|producers)$/.test(name)) await this.store.delete(name)
        }
        return this.open()
    }
  }

  /** Cuts bytes off the newest segment, as a power failure would. */
  async tear(bytes: number): Promise<void> {
    const { model } = this
    this.store = snapshotStore(this.store)
    const newest = this.store
      .list()
      .filter((name) => name.endsWith('.log'))
      .sort()
      .at(-1)!
    let cut = 0
    await patchFile(this.store, newest, (content) => {
      cut = Math.min(bytes, content.length)
      return content.subarray(0, content.length - cut)
    })
    await this.open()
    const base = Number(newest.slice(0, 20))
    expect(newest).toBe(logFile(base))
    const { endOffset } = this.log
    expect(endOffset).toBeGreaterThanOrEqual(base)
    expect([...model.batches, model.values.length, model.start]).toContain(endOffset)
    model.values.length = endOffset
    while (model.batches.at(-1)! >= endOffset) model.batches.pop()
    // A deletion outlives the loss of what it deleted: no offset is given twice.
    expect(endOffset).toBeGreaterThanOrEqual(model.start)
  }

  async check(from = this.model.start, maxBytes = 1 << 20): Promise<void> {
    const { model, log } = this
    expect([log.startOffset, log.endOffset]).toEqual([model.start, model.values.length])
    const seen = new Map(
      (await readRecords(log, { from, maxBytes })).map((record) => [record.offset, record]),
    )
    const newest = new Map(model.values.map(({ key }, offset) => [key, offset]))
    for (let offset = from; offset < model.values.length; offset++) {
      const { key, value } = model.values[offset]!
      const record = seen.get(offset)
      if (record !== undefined) expect(record).toEqual({ offset, key, value })
      else if (offset >= model.compactedTo || newest.get(key) === offset) {
        throw new Error(`offset ${offset} is lost`)
      }
    }
    expect([...seen.keys()].every((offset) => offset >= from)).toBe(true)
  }
}

describe('any history', () => {
  it('leaves what an array would hold', { timeout: 900_000 }, async () => {
    const runs = process.env.MILLRACE_LONG === undefined ? 100 : 2000
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
      { numRuns: runs },
    )
  })
})
