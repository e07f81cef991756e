import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'vitest'
import { StreamError } from '../../../../src/driver.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { FakeWire } from '../support/fake-wire.ts'
import { TestMember } from '../support/test-member.ts'

const NONE = 0
const COORDINATOR_LOAD_IN_PROGRESS = 14
const NOT_COORDINATOR = 16
const ILLEGAL_GENERATION = 22
const UNKNOWN_MEMBER_ID = 25
const INVALID_SESSION_TIMEOUT = 26
const REBALANCE_IN_PROGRESS = 27
const MEMBER_ID_REQUIRED = 79
const UNSTABLE_OFFSET_COMMIT = 88

let wire: FakeWire
let warnings: string[]
let infos: string[]
let generation: number
let members: number
/** By the name of the request, one for each time that it is asked: what the coordinator says instead. */
let faults: Record<string, number[]>
let stored: { readonly offset: number; readonly metadata: string | null } | undefined
let member: TestMember

/** A coordinator with one member, of a topic with one partition. */
beforeEach(() => {
  wire = new FakeWire()
  warnings = []
  infos = []
  generation = 0
  members = 0
  faults = {}
  stored = undefined
  wire.answer = ({ api, request }) => {
    const errorCode = faults[api]?.shift() ?? NONE
    switch (api) {
      case 'JoinGroup': {
        const memberId =
          errorCode === NONE || errorCode === MEMBER_ID_REQUIRED ? request.memberId || `m${++members}` : ''
        if (errorCode === NONE) generation++
        const [protocol] = request.protocols
        const metadata = protocol.metadata
        return {
          errorCode,
          generation,
          protocol: '',
          leader: memberId,
          memberId,
          members: [{ memberId, metadata }],
        }
      }
      case 'SyncGroup':
        return { errorCode, assignment: request.assignments[0]?.assignment ?? Buffer.alloc(0) }
      case 'OffsetFetch': {
        const at = stored ?? { offset: -1, metadata: null }
        const read = { topic: 't', partition: 0, leaderEpoch: -1, errorCode: NONE, ...at }
        return { errorCode, partitions: request.partitions.length === 0 ? [] : [read] }
      }
      case 'OffsetCommit': {
        const [partition] = request.partitions
        if (errorCode === NONE) stored = partition
        return [{ topic: 't', partition: 0, errorCode }]
      }
      case 'ListOffsets':
        // biome-ignore lint/suspicious/noExplicitAny: a request
        return request.partitions.map((it: any) => ({ ...it, errorCode, offset: 0 }))
      default:
        return { errorCode, members: [] }
    }
  }
})

afterEach(async () => {
  await member?.member.stop()
})

async function join(sessionTimeoutMs = 200): Promise<TestMember> {
  const logger = {
    debug() {},
    info: (text: string) => void infos.push(text),
    warn: (text: string) => void warnings.push(text),
    error() {},
  }
  member = await TestMember.join({ wire, logger, rack: undefined, groupProtocol: 'classic' }, 'g', 't', {
    sessionTimeoutMs,
  })
  return member
}

describe('a member whose coordinator fails', () => {
  test('takes the id that it is given, and a longer session where the brokers want one', async () => {
    faults.JoinGroup = [INVALID_SESSION_TIMEOUT, INVALID_SESSION_TIMEOUT, MEMBER_ID_REQUIRED]
    await join()
    await member.holds(1)
    assert.equal(member.member.memberId, 'm1')
    const sessions = wire.asked
      .filter(({ api }) => api === 'JoinGroup')
      .map(({ request }) => request.sessionTimeoutMs)
    assert.deepEqual(sessions, [200, 400, 800, 800])
    assert.equal(warnings.length, 1)
  })

  test('joins through coordinators that move and load', async () => {
    faults.JoinGroup = [NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS]
    faults.SyncGroup = [REBALANCE_IN_PROGRESS, NOT_COORDINATOR]
    await join()
    await member.holds(1)
    assert.ok(wire.invalidated >= 3)
  })

  test('stores a checkpoint when it can, and keeps what it holds through rebalances', async () => {
    await join()
    const [held] = await member.holds(1)
    faults.OffsetCommit = [NOT_COORDINATOR, REBALANCE_IN_PROGRESS, ILLEGAL_GENERATION]
    assert.equal(await member.checkpoint(held!, '7'), undefined)
    assert.equal(stored?.offset, 7)
    assert.deepEqual(member.events, ['assigned 0'])
    assert.ok(generation >= 2, 'it joined again for the generation')
  })

  test('that takes it for dead: all is lost, nothing is stored, and it begins anew', async () => {
    await join()
    const [held] = await member.holds(1)
    faults.OffsetCommit = [UNKNOWN_MEMBER_ID]
    assert.equal(await member.checkpoint(held!, '7'), 'FENCED')
    assert.equal(stored?.offset, 0)
    const [again] = await member.holds(1)
    assert.deepEqual(member.events, ['assigned 0', 'lost 0', 'assigned 0'])
    assert.ok(again!.epoch > held!.epoch)
    assert.equal(member.member.memberId, 'm2')
    assert.equal(await member.checkpoint(again!, '3'), undefined)
    assert.equal(await member.checkpoint(held!, '7'), 'FENCED')
    assert.equal(stored?.offset, 3)
  })

  test('the same told by a heartbeat', async () => {
    await join()
    const [held] = await member.holds(1)
    faults.Heartbeat = [REBALANCE_IN_PROGRESS, NOT_COORDINATOR, UNKNOWN_MEMBER_ID]
    await eventually(() => member.events.length >= 3, { what: 'it is assigned anew' })
    assert.deepEqual(member.events, ['assigned 0', 'lost 0', 'assigned 0'])
    assert.equal(await member.checkpoint(held!, '7'), 'FENCED')
  })

  test('of a Kafka that does not know static leaders: UNSUPPORTED names the version', async () => {
    const { answer } = wire
    wire.answer = (asked) => {
      if (asked.api !== 'JoinGroup')
        return asked.api === 'DescribeGroups' ? [{ errorCode: 69 }] : answer(asked)
      throw new StreamError('UNSUPPORTED', 'speaks JoinGroup 0 to 7, not 9')
    }
    const logger = { debug() {}, info() {}, error() {}, warn() {} }
    const cluster = { wire, logger, rack: undefined, groupProtocol: 'classic' } as const
    const joined = TestMember.join(cluster, 'g', 't', { instanceId: 'a' })
    await assert.rejects(
      joined,
      (error) => error instanceof StreamError && /instanceId.*Kafka 3\.2/.test(error.message),
    )
  })

  test('leaves a coordinator that hangs in time for a heartbeat to the next one', async () => {
    const sessionMs = 6_000
    await join(sessionMs)
    await member.holds(1)
    wire.frozen.add(1)
    const beats = (node: number) => wire.asked.filter((it) => it.api === 'Heartbeat' && it.node === node)
    const before = beats(1).length
    await eventually(() => beats(1).length > before, { what: 'a heartbeat that hangs' })
    const hungAt = performance.now()
    wire.leader = 2
    await eventually(() => beats(2).length > 0, { what: 'a heartbeat to the next coordinator' })
    const took = performance.now() - hungAt
    assert.ok(took < sessionMs, `after ${Math.round(took)} ms`)
    assert.deepEqual(member.events, ['assigned 0'])
  })

  test('tells the log of a coordinator that is not reached, and when it is again', async () => {
    await join()
    await member.holds(1)
    wire.frozen.add(1)
    await eventually(() => warnings.some((text) => text.startsWith("group 'g' is not reached for")))
    wire.frozen.clear()
    await eventually(() => infos.some((text) => text.startsWith("group 'g' is not reached no longer")))
    assert.equal(warnings.length, 1)
  })

  test('tells the log of heartbeats that are refused for long', async () => {
    await join()
    await member.holds(1)
    faults.Heartbeat = new Array(1_000).fill(NOT_COORDINATOR)
    await eventually(() => warnings.some((text) => text.startsWith("group 'g' is not reached for")))
  })

  test('tells the log what keeps it from beginning with a partition', async () => {
    faults.OffsetFetch = new Array(10_000).fill(UNSTABLE_OFFSET_COMMIT)
    await join()
    const told = () => warnings.find((text) => text.startsWith("where group 'g' resumes in t/0 is not known"))
    const text = await eventually(told, { withinMs: 20_000 })
    assert.match(text, /UNSTABLE_OFFSET_COMMIT/)
    faults.OffsetFetch = []
    await member.holds(1)
  })
})
