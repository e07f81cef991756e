import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import type { Backend } from '../conformance/index.ts'
import { memoryBackend } from '../support/memory-backend.ts'
import {
  acceptsLateCheckpoints,
  forgetsCheckpoints,
  startsChildrenEarly,
} from '../support/mutants/grouping.ts'
import { type Mutation, mutate } from '../support/mutants/mutate.ts'
import { dropsRecords } from '../support/mutants/reading.ts'
import { GroupModel } from './group-model.ts'
import { runs } from './runs.ts'

const which = fc.nat(11)

/** Each step is one call of the contract; numbers choose among what there is, modulo its count. */
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('send' as const), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('join' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), which }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('read' as const), which }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('checkpoint' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('late' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abandon' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('seek' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('split' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('merge' as const), which }) },
)

function histories(backend: Backend) {
  let count = 0
  const steps = fc.array(step, { maxLength: 40 })
  return fc.asyncProperty(fc.integer({ min: 1, max: 3 }), steps, async (partitions, history) => {
    const model = await GroupModel.begin(backend, `model-${++count}`, partitions)
    try {
      for (const { do: what, which: chosen } of history) await model[what](chosen)
      await model.finish()
    } finally {
      await model.end()
    }
  })
}

test('the contract does what its model does, through any history', { timeout: 240_000 }, async () => {
  const backend = await memoryBackend()
  try {
    await fc.assert(histories(backend), runs(150))
  } finally {
    await backend.close()
  }
})

const mutants: Record<string, Mutation> = {
  'drops records': dropsRecords,
  'forgets checkpoints': forgetsCheckpoints,
  'accepts late checkpoints': acceptsLateCheckpoints,
  'starts children early': startsChildrenEarly,
}

for (const [what, mutation] of Object.entries(mutants)) {
  test(`the model finds a driver that ${what}`, { timeout: 60_000 }, async () => {
    const backend = await memoryBackend((driver) => mutate(driver, mutation))
    try {
      const found = await fc.check(histories(backend), { numRuns: 200, endOnFailure: true })
      assert.ok(found.failed, 'all histories passed')
    } finally {
      await backend.close()
    }
  })
}
