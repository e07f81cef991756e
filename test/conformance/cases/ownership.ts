import assert from 'node:assert/strict'
import type { Assignment, AssignmentEvents, Driver, GroupMember } from '../../../src/driver.ts'
import { StreamError } from '../../../src/index.ts'
import type { Case } from '../case.ts'
import type { CaseContext } from '../case-context.ts'
import { eventually } from '../eventually.ts'
import { keys } from '../workload/load.ts'
import { Member } from '../workload/member.ts'

/** Promise 4. */
export const ownership: readonly Case[] = [
  {
    id: 'ownership/one-owner',
    title: 'of several members each partition has one owner, and all partitions have one',
    async run(context) {
      const topic = await context.topic({ partitions: 6 })
      const members: Member[] = []
      for (let i = 0; i < 3; i++) members.push(await Member.start(context, { topics: [topic] }))
      for (const member of members) await member.assigned(2)
      const described = await context.streams.groups.describeGroup(context.group)
      assert.equal(described.members.length, 3)
      const owned = members.flatMap((member) => member.stats.assignments.map(({ partition }) => partition))
      assert.equal(new Set(owned).size, 6)
      assert.equal(owned.length, 6)
      await context.producer(topic).burst({ keys: keys(20), perKey: 4 })
      await context.untilDelivered(80, members)
      await Promise.all(members.map((member) => member.close()))
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'ownership/zombie-checkpoint',
    title: "a former owner's late checkpoint is refused with FENCED and moves nothing",
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 10 })
      const zombie = await driverMember(context, topic.name)
      const held = await zombie.assigned()
      const ahead = await checkpointBehind(zombie.driver, held, 6)
      await zombie.member.abandon(held)
      const heir = await driverMember(context, topic.name)
      const taken = await heir.assigned()
      assert.ok(taken.epoch > held.epoch, 'the epoch rises with each acquisition')
      const [refusal] = await zombie.member.checkpoint([{ assignment: held, checkpoint: ahead }])
      assert.ok(refusal instanceof StreamError, 'the late checkpoint was accepted')
      assert.equal(refusal.code, 'FENCED')
      const group = await context.streams.groups.describeGroup(context.group)
      assert.equal(group.partitions[0]?.checkpoint, taken.checkpoint)
      await heir.member.leave()
      await zombie.member.leave()
      await context.judge({ zombies: true, forced: true })
    },
  },
  {
    id: 'ownership/zombie-in-transaction',
    title:
      "a former owner's checkpoint in a transaction is refused with FENCED, and nothing of it is visible",
    needs: ['transactions'],
    async run(context) {
      const topic = await context.topic()
      const into = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 10 })
      const zombie = await driverMember(context, topic.name)
      const held = await zombie.assigned()
      const ahead = await checkpointBehind(zombie.driver, held, 6)
      await zombie.member.abandon(held)
      const heir = await driverMember(context, topic.name)
      const taken = await heir.assigned()
      const producer = await zombie.driver.openTransactions!({ clientId: 'zombie', timeoutMs: 5_000 })
      const tx = await producer.begin()
      const value = Buffer.from(JSON.stringify({ producer: 'zombie', key: 'k', seq: 1 }))
      const record = { key: Buffer.from('k'), value, headers: [], timestamp: undefined, partition: undefined }
      await tx.send(into.name, [record])
      const finished = (async () => {
        await tx.checkpoint(zombie.member, [{ assignment: held, checkpoint: ahead }])
        await tx.commit()
      })()
      await assert.rejects(finished, (error) => error instanceof StreamError && error.code === 'FENCED')
      await tx.abort().catch(() => {})
      await producer.close()
      const group = await context.streams.groups.describeGroup(context.group)
      assert.equal(group.partitions[0]?.checkpoint, taken.checkpoint)
      let visible = 0
      for await (const batch of context.streams.read(into, { until: 'now' })) visible += batch.length
      assert.equal(visible, 0)
      await heir.member.leave()
      await zombie.member.leave()
    },
  },
  {
    id: 'ownership/after-leaving',
    title: 'a member that has left cannot checkpoint what it held',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).burst({ keys: ['k'], perKey: 4 })
      const gone = await driverMember(context, topic.name)
      const held = await gone.assigned()
      const ahead = await checkpointBehind(gone.driver, held, 3)
      await gone.member.leave()
      const refusal = await gone.member.checkpoint([{ assignment: held, checkpoint: ahead }]).then(
        ([result]) => result,
        (error) => error,
      )
      assert.ok(refusal instanceof StreamError, 'the checkpoint was accepted')
      assert.ok(['FENCED', 'CLOSED'].includes(refusal.code), refusal.code)
    },
  },
  {
    id: 'ownership/stopped-process',
    title:
      'a process that was stopped past its session loses its partitions, and its checkpoints are refused when it wakes',
    needs: ['multiProcess'],
    timeoutMs: 25_000,
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(8), perKey: 10 })
      const { group } = context
      const child = context.child({
        role: 'consume',
        topic: topic.name,
        group,
        handleMs: 10,
        sessionTimeoutMs: 400,
      })
      await child.says('ready')
      await eventually(() => context.oracle.deliveredTo(group) >= 10, { what: 'the child is at work' })
      child.stop()
      const heir = await Member.start(context, { topics: [topic], consumer: { sessionTimeoutMs: 400 } })
      await heir.assigned(2)
      await context.untilDelivered(80, [heir])
      child.continue()
      await producer.burst({ keys: keys(8), perKey: 5 })
      await context.untilDelivered(120, [heir])
      await heir.close()
      await child.kill()
      await context.judge({
        complete: [{ group, topic: topic.name }],
        zombies: true,
        forced: true,
      })
    },
  },
]

interface DriverMember {
  readonly driver: Driver
  readonly member: GroupMember
  /** The next assignment that it was given and has not lost. */
  assigned(): Promise<Assignment>
}

/** A member on the bare contract, whose checkpoints no core looks after. */
async function driverMember(context: CaseContext, topic: string): Promise<DriverMember> {
  const { driver } = await context.connect()
  const held: Assignment[] = []
  const events: AssignmentEvents = {
    assigned: (assignment) => held.push(assignment),
    revoked: async (assignment) => void held.splice(held.indexOf(assignment), 1),
    lost: (assignment) => void held.splice(held.indexOf(assignment), 1),
    failed() {},
  }
  const member = await driver.joinGroup(
    {
      group: context.group,
      topics: [topic],
      from: 'earliest',
      clientId: 'conformance',
      sessionTimeoutMs: 5_000,
      drainTimeoutMs: 2_000,
    },
    events,
  )
  context.onEnd(() => member.leave())
  return { driver, member, assigned: () => eventually(() => held[0], { what: 'an assignment' }) }
}

/** A checkpoint behind the `count`th record of an assignment. */
async function checkpointBehind(driver: Driver, held: Assignment, count: number): Promise<string> {
  const { topic, partition, checkpoint } = held
  const reader = await driver.openReader({ topic, partition, start: { checkpoint } })
  const signal = new AbortController().signal
  let seen = 0
  try {
    for (;;) {
      const batch = await reader.next({ maxBytes: 1 << 20, signal })
      assert.ok(batch !== null)
      if (seen + batch.count >= count) return batch.checkpointAfter(count - seen - 1)
      seen += batch.count
    }
  } finally {
    await reader.close()
  }
}
