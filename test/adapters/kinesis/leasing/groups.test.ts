import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openKinesis } from '../../../../adapters/kinesis/index.ts'
import type { Assignment, Driver, GroupMember, LentTables } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { type KinesisFake, startKinesisFake } from '../../../support/kinesis-fake/start-kinesis-fake.ts'
import { uniqueName } from '../../../support/unique-name.ts'
import { credentials } from '../support/fake-backend.ts'
import { record } from '../support/record.ts'
import { openTables } from './support/lent-tables.ts'

let fake: KinesisFake
let kept: LentTables
let driver: Driver
let topic: string
let group: string
const open = (more = ''): Promise<Driver> =>
  openKinesis(`kinesis://us-east-1?endpoint=${fake.endpoint}&leases=memory:groups${more}`, {
    logger: quiet,
    credentials,
    openTables,
  })
beforeAll(async () => {
  fake = await startKinesisFake({ limits: 'off' })
  kept = await openTables('memory:groups')
  driver = await open('&aggregate=true')
})
afterAll(async () => {
  await driver?.close()
  await kept?.close()
  await fake?.stop()
})
beforeEach(async () => {
  topic = uniqueName('topic')
  group = uniqueName('group')
  await driver.admin.createTopic({ name: topic, partitions: 1 })
})

async function send(count: number): Promise<{ partition: string; position: string }[]> {
  const producer = await driver.openProducer({ clientId: 'p' })
  const ack = await producer.send(
    topic,
    Array.from({ length: count }, (_, i) => record('k', `value ${i}`)),
  )
  await producer.close(1_000)
  return Array.from({ length: count }, (_, i) => ({ partition: ack.partition(i), position: ack.position(i) }))
}

interface Joined {
  readonly member: GroupMember
  readonly held: Assignment[]
}

async function join(of: Driver = driver, topics = [topic], sessionTimeoutMs = 500): Promise<Joined> {
  const held: Assignment[] = []
  const drop = (assignment: Assignment): void => {
    const at = held.findIndex(
      ({ epoch, partition }) => epoch === assignment.epoch && partition === assignment.partition,
    )
    if (at >= 0) held.splice(at, 1)
  }
  const member = await of.joinGroup(
    { group, topics, from: 'earliest', clientId: 'app', sessionTimeoutMs, drainTimeoutMs: 500 },
    {
      assigned: (assignment) => void held.push(assignment),
      revoked: async (assignment) => drop(assignment),
      lost: drop,
      failed: () => held.splice(0),
    },
  )
  await eventually(() => held.length > 0, { what: 'an assignment' })
  return { member, held }
}

describe('a description', () => {
  it('tells owners, checkpoints, states and clients', async () => {
    await send(3)
    const { member, held } = await join()
    const state = Buffer.from('parked')
    await member.checkpoint([{ assignment: held[0]!, checkpoint: held[0]!.checkpoint, state }])
    const described = await driver.groups.describeGroup(group)
    expect(described).toMatchObject({
      group,
      state: 'stable',
      members: [
        {
          memberId: member.memberId,
          clientId: 'app',
          assignments: [{ topic, partition: 'shardId-000000000000' }],
        },
      ],
      partitions: [{ checkpoint: 'TRIM_HORIZON', position: null, owner: member.memberId, ended: false }],
    })
    expect(Buffer.from(described.partitions[0]!.state!).toString()).toBe('parked')
    await member.leave()
    const after = await driver.groups.describeGroup(group)
    expect(after).toMatchObject({ state: 'empty', members: [], partitions: [{ owner: null }] })
    expect(await driver.groups.listGroups()).toContain(group)
  })

  it('has a lag until the last item of an aggregate is done', async () => {
    const sent = await send(5)
    const places = new Set(sent.map(({ position }) => position.split('/')[0]))
    expect(places.size).toBe(1)
    const lagAfter = async (i: number): Promise<number | undefined> => {
      await driver.groups.seekGroup(
        group,
        topic,
        { after: sent[i]!.position },
        { partition: sent[i]!.partition },
      )
      return (await driver.groups.describeGroup(group)).partitions[0]!.lag.millis
    }
    expect(await lagAfter(3)).toBeGreaterThan(0)
    expect(await lagAfter(4)).toBe(0)
    await send(1)
    expect((await driver.groups.describeGroup(group)).partitions[0]!.lag.millis).toBeGreaterThan(0)
  })

  it('is NOT_FOUND where the group keeps its leases elsewhere or nowhere', async () => {
    await expect(driver.groups.describeGroup(group)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(driver.groups.deleteGroup(group)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('a seek', () => {
  it('waits until the dead are known to be dead, and no longer', async () => {
    const other = await open()
    await join(other, [topic], 1_500)
    // Its process dies: the lease still bears its name.
    await other.close()
    const started = performance.now()
    await driver.groups.seekGroup(group, topic, 'earliest', {})
    const took = performance.now() - started
    expect(took).toBeGreaterThan(1_000)
    expect(took).toBeLessThan(8_000)
    await driver.groups.deleteGroup(group)
  })

  it('is refused while somebody lives, and by force takes the partition from that one', async () => {
    await send(2)
    const { member, held } = await join()
    const [before] = held
    await expect(driver.groups.seekGroup(group, topic, 'earliest', {})).rejects.toMatchObject({
      code: 'FENCED',
    })
    await driver.groups.seekGroup(group, topic, 'latest', { force: true })
    const [refusal] = await member.checkpoint([{ assignment: before!, checkpoint: before!.checkpoint }])
    expect(refusal?.code).toBe('FENCED')
    const again = await eventually(() => held.find(({ epoch }) => epoch > before!.epoch), {
      what: 'it is assigned anew',
    })
    expect(again.checkpoint).not.toBe('TRIM_HORIZON')
    await member.leave()
  })

  it('goes back over a lineage: parents first again', async () => {
    await send(1)
    const { member, held } = await join()
    await driver.admin.splitPartition!(topic, held[0]!.partition)
    const [error] = await member.checkpoint([{ assignment: held[0]!, checkpoint: '1/0', ended: true }])
    expect(error).toBeUndefined()
    await eventually(() => held.length === 2, { what: 'both children' })
    await member.leave()
    const ended = await driver.groups.describeGroup(group)
    expect(ended.partitions.map(({ ended: isEnded }) => isEnded)).toEqual([true, false, false])
    await driver.groups.seekGroup(group, topic, 'earliest', {})
    const back = await driver.groups.describeGroup(group)
    expect(back.partitions.map(({ checkpoint }) => checkpoint)).toEqual(Array(3).fill('TRIM_HORIZON'))
    const next = await join()
    expect(next.held.map(({ partition }) => partition)).toEqual(['shardId-000000000000'])
    await next.member.leave()
    await driver.groups.seekGroup(group, topic, 'latest', {})
    const atEnd = await driver.groups.describeGroup(group)
    expect(atEnd.partitions[0]).toMatchObject({ ended: true, lag: { millis: 0 } })
  })

  it('of one partition creates the group: the others begin at their beginning', async () => {
    const wide = uniqueName('topic')
    await driver.admin.createTopic({ name: wide, partitions: 3 })
    await driver.groups.seekGroup(group, wide, { timestamp: 1_000 }, { partition: 'shardId-000000000001' })
    const { partitions } = await driver.groups.describeGroup(group)
    expect(partitions.map(({ checkpoint }) => checkpoint)).toEqual([
      'TRIM_HORIZON',
      'AT_TIMESTAMP@1000',
      'TRIM_HORIZON',
    ])
    await expect(driver.groups.seekGroup(group, wide, { at: '5' }, {})).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    await expect(
      driver.groups.seekGroup(group, wide, 'earliest', { partition: 'none' }),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(driver.groups.seekGroup(group, uniqueName('none'), 'earliest', {})).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
  })

  it('forgets what was parked', async () => {
    const { member, held } = await join()
    await member.checkpoint([
      { assignment: held[0]!, checkpoint: held[0]!.checkpoint, state: Buffer.from('parked') },
    ])
    await member.leave()
    await driver.groups.seekGroup(group, topic, 'earliest', {})
    expect((await driver.groups.describeGroup(group)).partitions[0]!.state).toBeNull()
  })
})

describe('leases on a lent table', () => {
  it('want connect, which opens it', async () => {
    const alone = await openKinesis(`kinesis://us-east-1?endpoint=${fake.endpoint}&leases=memory:x`, {
      logger: quiet,
      credentials,
    })
    await expect(alone.groups.listGroups()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await alone.close()
  })

  it('are opened by connect', async () => {
    const { connect } = await import('../../../../src/index.ts')
    await using streams = await connect(`kinesis://us-east-1?endpoint=${fake.endpoint}&leases=memory:y`, {
      credentials,
    })
    expect(await streams.groups.listGroups()).toEqual([])
    await streams.groups.seekGroup('some-group', topic, 'earliest', {})
    expect(await streams.groups.listGroups()).toEqual(['some-group'])
  })
})
