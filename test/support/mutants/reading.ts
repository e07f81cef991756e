import { type FetchedBatch, type Header, StreamError } from '../../../src/driver.ts'
import { FetchedBatchView } from '../../conformance/index.ts'
import type { Mutation } from './mutate.ts'
import { RearrangedBatch } from './rearranged-batch.ts'

function indexes(batch: FetchedBatch): number[] {
  return Array.from({ length: batch.count }, (_, i) => i)
}

function nth(batch: FetchedBatch, i: number): boolean {
  return Number(batch.position(i)) % 7 === 6
}

export const dropsRecords: Mutation = {
  batch: (batch) =>
    new RearrangedBatch(
      batch,
      indexes(batch).filter((i) => !nth(batch, i)),
    ),
}

export const doublesRecords: Mutation = {
  batch: (batch) =>
    new RearrangedBatch(
      batch,
      indexes(batch).flatMap((i) => (nth(batch, i) ? [i, i] : [i])),
    ),
}

/** Two that follow each other in one key change places. */
export const swapsRecords: Mutation = {
  batch(batch) {
    const order = indexes(batch)
    for (let i = 0; i < order.length; i++) {
      const j = order.findIndex((other) => other > i && batch.keyHash(other) === batch.keyHash(i))
      if (j < 0) continue
      ;[order[i], order[j]] = [order[j]!, order[i]!]
      break
    }
    return new RearrangedBatch(batch, order)
  },
}

export const losesHeaders: Mutation = {
  batch: (batch) =>
    new (class extends FetchedBatchView {
      override headers(i: number): readonly Header[] {
        return super.headers(i).slice(0, -1)
      }
    })(batch),
}

export const takesNullForEmpty: Mutation = {
  batch: (batch) =>
    new (class extends FetchedBatchView {
      override value(i: number): Uint8Array | null {
        return super.value(i) ?? new Uint8Array(0)
      }
    })(batch),
}

export const jumpsOverExpired: Mutation = {
  async openReader(driver, options) {
    try {
      return await driver.openReader(options)
    } catch (error) {
      if (!(error instanceof StreamError) || error.code !== 'POSITION_EXPIRED') throw error
      return driver.openReader({ ...options, start: { from: 'earliest' } })
    }
  },
}

export const showsAborted: Mutation = {
  openReader: (driver, options) => driver.openReader({ ...options, isolation: 'uncommitted' }),
}
