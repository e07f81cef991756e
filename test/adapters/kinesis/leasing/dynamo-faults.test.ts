import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { monotonicClock } from '../../../../adapters/kinesis/leasing/clock.ts'
import type { DynamoService } from '../../../../adapters/kinesis/leasing/dynamodb/dynamo-service.ts'
import { DynamoTable } from '../../../../adapters/kinesis/leasing/dynamodb/dynamo-table.ts'
import { LeaseMember } from '../../../../adapters/kinesis/leasing/member.ts'
import type { Assignment } from '../../../../src/driver.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { AwsFaultProxy } from '../../../support/aws-faults/aws-fault-proxy.ts'
import { sharedLocalstack } from '../../../support/localstack/shared-localstack.ts'
import { uniqueName } from '../../../support/unique-name.ts'
import { dynamoAt } from './support/dynamo.ts'
import { FakeStreams, shardId } from './support/fake-streams.ts'

const SHARDS = 4
const SESSION_MS = 3_000
/** For members that are to keep what they have: a busy machine alone does not end it. */
const LONG_SESSION_MS = 10_000

let proxy: AwsFaultProxy
let direct: DynamoService
let through: DynamoService
let name: string
let members: LeaseMember[]
const streams = new FakeStreams()

beforeAll(async () => {
  const endpoint = await sharedLocalstack()
  proxy = await AwsFaultProxy.listen(endpoint)
  direct = dynamoAt(endpoint)
  through = dynamoAt(proxy.endpoint)
  streams.create('orders', SHARDS)
}, 180_000)
afterAll(async () => {
  direct?.close()
  through?.close()
  await proxy?.close()
})
beforeEach(() => {
  name = uniqueName('group')
  members = []
})
afterEach(async () => {
  proxy.clear()
  await proxy.restore()
  await Promise.all(members.map((member) => member.leave()))
})

interface Joined {
  readonly member: LeaseMember
  readonly held: Map<string, Assignment>
  readonly lost: string[]
  /** When a partition was assigned last, and when lost. `performance.now()`. */
  readonly assignedAt: Map<string, number>
  readonly lostAt: Map<string, number>
}

async function join(service: DynamoService, sessionTimeoutMs = SESSION_MS): Promise<Joined> {
  const held = new Map<string, Assignment>()
  const lost: string[] = []
  const assignedAt = new Map<string, number>()
  const lostAt = new Map<string, number>()
  const member = await LeaseMember.join(
    {
      kinesis: streams.kinesis,
      table: new DynamoTable(service, name),
      clock: monotonicClock,
      findStart: async () => ({ kind: 'earliest' }),
      random: Math.random,
    },
    {
      group: name,
      topics: ['orders'],
      from: 'earliest',
      clientId: 'app',
      sessionTimeoutMs,
      drainTimeoutMs: 500,
    },
    'earliest',
    {
      assigned: (assignment) => {
        held.set(assignment.partition, assignment)
        assignedAt.set(assignment.partition, performance.now())
      },
      revoked: async ({ partition }) => void held.delete(partition),
      lost: ({ partition }) => {
        held.delete(partition)
        lost.push(partition)
        lostAt.set(partition, performance.now())
      },
      failed: () => held.clear(),
    },
    () => {},
  )
  members.push(member)
  await eventually(() => held.size > 0, { what: 'leases', withinMs: 20_000 })
  return { member, held, lost, assignedAt, lostAt }
}

const all = ({ held }: Joined) =>
  eventually(() => held.size === SHARDS, { what: `all leases, there are ${held.size}`, withinMs: 30_000 })
const half = ({ held }: Joined) =>
  eventually(() => held.size === SHARDS / 2, {
    what: `half of the leases, there are ${held.size}`,
    withinMs: 30_000,
  })

describe.runIf(inject('docker'))('a member whose DynamoDB', () => {
  it('throttles some of its calls keeps what it has, and its checkpoints', async () => {
    const joined = await join(through, LONG_SESSION_MS)
    await all(joined)
    for (let i = 1; i <= 15; i++) {
      // By number, not by chance: sooner or later a chance throttles one checkpoint until its session is over.
      proxy.add({
        table: name,
        times: 2 * SHARDS,
        effect: { kind: 'error', code: 'ProvisionedThroughputExceededException' },
      })
      const updates = [...joined.held.values()].map((assignment) => ({ assignment, checkpoint: `${i}/0` }))
      expect(await joined.member.checkpoint(updates)).toEqual(Array(SHARDS).fill(undefined))
    }
    expect(joined.lost).toEqual([])
  })

  it('loses answers finds its own writes', async () => {
    const joined = await join(through, LONG_SESSION_MS)
    await all(joined)
    for (let i = 1; i <= 10; i++) {
      proxy.add({ table: name, on: 'UpdateItem', times: SHARDS + 1, effect: { kind: 'cut', when: 'after' } })
      const updates = [...joined.held.values()].map((assignment) => ({ assignment, checkpoint: `${i}/0` }))
      expect(await joined.member.checkpoint(updates)).toEqual(Array(SHARDS).fill(undefined))
    }
    proxy.clear()
    expect(joined.lost).toEqual([])
    const leases = await new DynamoTable(direct, name).list({ consistent: true })
    for (const { checkpoint } of leases) expect(checkpoint).toMatchObject({ sequence: '10' })
  })

  it('cannot be reached stops before others begin, and comes back by itself', async () => {
    const cut = await join(through)
    const other = await join(direct)
    await half(cut)
    await half(other)
    const had = [...cut.held.keys()]
    await proxy.refuse()
    await all(other)
    expect(cut.lost.toSorted()).toEqual(had.toSorted())
    for (const shard of had) expect(cut.lostAt.get(shard)!).toBeLessThan(other.assignedAt.get(shard)!)
    await proxy.restore()
    await half(cut)
    expect(other.lost).toEqual([])
  })

  it('has its table deleted makes it again, and goes on where it was', async () => {
    const joined = await join(direct)
    await all(joined)
    const updates = [...joined.held.values()].map((assignment) => ({ assignment, checkpoint: '77/0' }))
    await joined.member.checkpoint(updates)
    const before = new Map(joined.held)
    await direct.call(({ DeleteTableCommand }) => new DeleteTableCommand({ TableName: name }))
    await eventually(
      () =>
        [...joined.held.values()].filter(({ partition, epoch }) => epoch > before.get(partition)!.epoch)
          .length === SHARDS,
      { what: 'all leases anew', withinMs: 40_000 },
    )
    expect(joined.held.get(shardId(2))!.checkpoint).toBe('77/0')
  })
})

describe.runIf(inject('docker'))('what a group costs', () => {
  it('at rest: three signs of life a session and shard, and a look in two sessions', async () => {
    const sessionMs = 1_500
    const joined = await join(through, sessionMs)
    await all(joined)
    const rest = async (): Promise<void> => {
      const lease = async (): Promise<number> =>
        (await new DynamoTable(direct, name).get(shardId(0)))!.counter
      const from = await lease()
      await eventually(async () => (await lease()) >= from + 12, {
        what: '12 signs of life',
        withinMs: 60_000,
      })
    }
    await rest()
    proxy.calls.reset()
    const started = performance.now()
    await rest()
    const sessions = (performance.now() - started) / sessionMs
    const count = (operation: string): number => proxy.calls.count(operation, { stream: name })
    const perSession = (operation: string): number => count(operation) / sessions
    console.log(
      `at rest, of a session and shard: UpdateItem ${(perSession('UpdateItem') / SHARDS).toFixed(2)}; of a session and member: Scan ${perSession('Scan').toFixed(2)}; ` +
        `others ${['PutItem', 'GetItem', 'DeleteItem', 'DescribeTable'].reduce((sum, name) => sum + count(name), 0)}`,
    )
    expect(perSession('UpdateItem') / SHARDS).toBeLessThanOrEqual(3.2)
    // One in two sessions, one for the upkeep, and one that was just due.
    expect(count('Scan')).toBeLessThanOrEqual(sessions * 0.56 + 2)
    expect(count('GetItem') + count('PutItem') + count('DescribeTable')).toBe(0)
  }, 180_000)
})
