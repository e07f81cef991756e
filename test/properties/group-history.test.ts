import assert from 'node:assert/strict'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import fc from 'fast-check'
import { test } from 'vitest'
import { CaseContext } from '../conformance/case-context.ts'
import { eventually } from '../conformance/eventually.ts'
import type { Backend } from '../conformance/index.ts'
import { Member } from '../conformance/workload/member.ts'
import { memoryBackend } from '../support/memory-backend.ts'
import { forgetsCheckpoints } from '../support/mutants/grouping.ts'
import { mutate } from '../support/mutants/mutate.ts'
import { runs } from './runs.ts'

/** What may happen to a group; numbers choose among what there is, modulo its count. */
type Step =
  | { readonly do: 'send'; readonly keys: readonly number[] }
  | { readonly do: 'join'; readonly how: 'each' | 'batch' | 'pull'; readonly lanes: number }
  | { readonly do: 'leave' | 'crash' | 'seek' | 'split' | 'merge'; readonly which: number }
  | { readonly do: 'wait'; readonly ms: number }

const which = fc.nat(7)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      keys: fc.array(fc.nat(5), { minLength: 1, maxLength: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('join' as const),
      how: fc.constantFrom('each' as const, 'batch' as const, 'pull' as const),
      lanes: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('seek' as const), which }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('split' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('merge' as const), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(8) }) },
)

function history(backend: Backend) {
  const partitions = fc.integer({ min: 1, max: 3 })
  return fc.asyncProperty(partitions, fc.array(step, { maxLength: 25 }), async (count, steps) => {
    const context = await CaseContext.begin(backend)
    try {
      await play(context, count, steps)
    } finally {
      await context.end()
    }
  })
}

test('whatever happens to a group, the oracle has nothing to say', { timeout: 240_000 }, async () => {
  const backend = await memoryBackend()
  try {
    await fc.assert(history(backend), runs(150))
  } finally {
    await backend.close()
  }
})

test('the histories find a driver that forgets checkpoints', { timeout: 60_000 }, async () => {
  const backend = await memoryBackend((driver) => mutate(driver, forgetsCheckpoints))
  try {
    const found = await fc.check(history(backend), { numRuns: 100, endOnFailure: true })
    assert.ok(found.failed, 'a hundred histories of a driver without checkpoints passed')
  } finally {
    await backend.close()
  }
})

async function play(context: CaseContext, partitions: number, steps: readonly Step[]): Promise<void> {
  const topic = await context.topic({ partitions })
  const producer = context.producer(topic)
  const { admin, groups } = context.streams
  const crash = context.fault('crash')
  const members: Member[] = []
  let sent = 0

  const take = (chosen: number): Member | undefined =>
    members.splice(chosen % Math.max(1, members.length), 1)[0]
  const open = async () =>
    (await admin.describeTopic(topic.name)).partitions.filter(({ state }) => state === 'open')

  for (const step of steps) {
    if (step.do === 'send') {
      sent += step.keys.length
      await producer.sendBatch(step.keys.map((key) => `k${key}`))
    } else if (step.do === 'wait') {
      await wait(step.ms)
    } else if (step.do === 'join') {
      const options = { topics: [topic], consumer: { checkpoint: { intervalMs: 3 }, fetchMaxBytes: 400 } }
      if (step.how === 'each')
        members.push(
          await Member.start(context, { ...options, run: { concurrency: step.lanes }, each: () => turn() }),
        )
      else members.push(await Member.start(context, { ...options, [step.how]: () => turn() }))
    } else if (step.do === 'leave') {
      await take(step.which)?.close()
    } else if (step.do === 'crash') {
      const member = take(step.which)
      if (member !== undefined) await crash(member.connection.inner)
    } else if (step.do === 'seek') {
      // A group that has members is not moved.
      for (const member of members.splice(0)) await member.close()
      const some = (await open())[step.which % 8]
      if (some === undefined) continue
      // One that crashed while it joined is a member until its session is over.
      const moved = () =>
        groups.seekGroup(context.group, topic.name, 'earliest', { partition: some.id }).then(() => true)
      await eventually(moved, { withinMs: 3_000, what: 'the group can be moved' })
    } else if (step.do === 'split') {
      const all = await open()
      if (all.length < 6) await admin.splitPartition(topic.name, all[step.which % all.length]!.id)
    } else {
      const neighbours = adjacent(await open())[step.which % 4]
      if (neighbours !== undefined) await admin.mergePartitions(topic.name, neighbours)
    }
  }
  const last = await Member.start(context, { topics: [topic] })
  await context.untilDelivered(sent, [last])
  for (const member of [...members, last]) await member.close()
  await context.judge({
    complete: [{ group: context.group, topic: topic.name }],
    zombies: true,
    forced: true,
  })
}

/** Pairs whose hash ranges touch. */
function adjacent(
  open: readonly {
    readonly id: string
    readonly hashRange?: { readonly from: string; readonly to: string }
  }[],
): [string, string][] {
  const pairs: [string, string][] = []
  for (const a of open) {
    for (const b of open) {
      if (a.hashRange && b.hashRange && BigInt(a.hashRange.to) + 1n === BigInt(b.hashRange.from))
        pairs.push([a.id, b.id])
    }
  }
  return pairs
}
