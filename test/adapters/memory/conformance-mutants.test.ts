import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { runConformanceCase } from '../../conformance/index.ts'
import { memoryBackend } from '../../support/memory-backend.ts'
import * as grouping from '../../support/mutants/grouping.ts'
import { type Mutation, mutate } from '../../support/mutants/mutate.ts'
import * as producing from '../../support/mutants/producing.ts'
import * as reading from '../../support/mutants/reading.ts'

/** Each mutant of the memory driver, a case that must fail with it, and what that case then says. */
const mutants: readonly [what: string, mutation: () => Mutation, id: string, says: RegExp][] = [
  [
    'drops every 7th record',
    () => reading.dropsRecords,
    'order/concurrent-sends',
    /loss: p\d+\/k\d+#\d+, acknowledged at/,
  ],
  ['drops every 7th record', () => reading.dropsRecords, 'durability/position', /Expected values|misplaced/],
  ['doubles records', () => reading.doublesRecords, 'order/concurrent-sends', /duplicate: .* twice in epoch/],
  ['doubles records', () => reading.doublesRecords, 'replay/from-earliest', /deep-equal|strictly/],
  ['swaps two records of a key', () => reading.swapsRecords, 'order/concurrent-sends', /inversion: /],
  ['swaps two records of a key', () => reading.swapsRecords, 'order/lanes', /inversion: /],
  ['loses the last header', () => reading.losesHeaders, 'bytes/headers', /deep-equal|strictly/],
  [
    'takes a tombstone for an empty value',
    () => reading.takesNullForEmpty,
    'bytes/values',
    /deep-equal|strictly/,
  ],
  [
    'jumps over what has expired',
    () => reading.jumpsOverExpired,
    'expired/reader',
    /expected POSITION_EXPIRED, but it succeeded/,
  ],
  ['jumps over what has expired', () => reading.jumpsOverExpired, 'expired/group', /run to end/],
  ['shows aborted records', () => reading.showsAborted, 'transactions/aborted', /deep-equal|strictly/],
  [
    'acknowledges before it appends',
    () => producing.acknowledgesBeforeAppend,
    'durability/position',
    /misplaced: |\d+ < \d+/,
  ],
  [
    'acknowledges before it appends',
    () => producing.acknowledgesBeforeAppend,
    'order/sends-and-batches',
    /misplaced: |strictly/,
  ],
  ['appends twice', () => producing.appendsTwice, 'order/concurrent-sends', /doubled: /],
  [
    'lets later sends overtake',
    () => producing.reordersSends,
    'order/many-producers',
    /inversion: the log has/,
  ],
  [
    'accepts late checkpoints',
    () => grouping.acceptsLateCheckpoints,
    'ownership/zombie-checkpoint',
    /late checkpoint was accepted/,
  ],
  [
    'forgets checkpoints',
    () => grouping.forgetsCheckpoints,
    'hand-off/close-checkpoints',
    /duplicate: .* after a checkpoint of/,
  ],
  [
    'forgets checkpoints',
    () => grouping.forgetsCheckpoints,
    'hand-off/under-load',
    /duplicate: .* after a checkpoint of/,
  ],
  ['checkpoints before processing', grouping.checkpointsBeforeProcessing, 'poison/stop', /loss: /],
  [
    'does not wait for the drain',
    () => grouping.doesNotWaitForDrain,
    'hand-off/in-flight',
    /in drain|hand-off: /,
  ],
  [
    'does not wait for the drain',
    () => grouping.doesNotWaitForDrain,
    'hand-off/batches-in-flight',
    /hand-off: |late-checkpoint: |duplicate: /,
  ],
  ['gives everything to all', () => grouping.givesEverythingToAll, 'ownership/one-owner', /owns 2 partition/],
  [
    'starts children early',
    () => grouping.startsChildrenEarly,
    'partitions/children-wait',
    /deep-equal|strictly/,
  ],
  [
    'starts children early',
    () => grouping.startsChildrenEarly,
    'partitions/split-under-load',
    /inversion: |loss: /,
  ],
]

describe('the suite notices a driver that', () => {
  for (const [what, mutation, id, says] of mutants) {
    test.concurrent(`${what} (${id})`, async () => {
      const found = mutation()
      const run = runConformanceCase(id, () => memoryBackend((driver) => mutate(driver, found)))
      await assert.rejects(run, (error: Error) => {
        assert.match(error.message, says)
        return true
      })
    })
  }
})
