import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'vitest'
import { StreamError } from '../../../../src/driver.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { FakeWire } from '../support/fake-wire.ts'
import { TestMember } from '../support/test-member.ts'

const NONE = 0
const COORDINATOR_LOAD_IN_PROGRESS = 14
const NOT_COORDINATOR = 16
const UNKNOWN_MEMBER_ID = 25
const GROUP_ID_NOT_FOUND = 69
const FENCED_MEMBER_EPOCH = 110
const UNRELEASED_INSTANCE_ID = 111
const STALE_MEMBER_EPOCH = 113
const UNSTABLE_OFFSET_COMMIT = 88

const TOPIC_ID = 'ab'.repeat(16)

let wire: FakeWire
let warnings: string[]
let infos: string[]
let epoch: number
/** The other member of the group, where there is one: what it reads. */
let others: { readonly memberId: string; readonly topics: readonly string[] }[]
/** The group's, as the brokers have it. */
let sessionMs: number
/** What the one topic's id is now; the fake's own is `id`. */
let topicId: string
/** By the name of the request, one for each time that it is asked: what the coordinator says instead, or a lost answer. */
let faults: Record<string, (number | 'lost')[]>
let stored: { readonly offset: number; readonly metadata: string | null } | undefined
let member: TestMember | undefined

/** A coordinator of KIP-848 with one member, of a topic with one partition. Assignments are the partition as long as it subscribes. */
beforeEach(() => {
  wire = new FakeWire()
  warnings = []
  infos = []
  epoch = 0
  others = []
  sessionMs = 200
  topicId = TOPIC_ID
  faults = {}
  stored = undefined
  member = undefined
  let subscribed: readonly string[] = []
  const { knownTopic } = wire
  wire.knownTopic = (name) => ({ ...knownTopic.call(wire, name), id: topicId })
  wire.topic = async (name) => wire.knownTopic(name)!
  wire.answer = ({ api, request }) => {
    const fault = faults[api]?.shift() ?? NONE
    if (fault === 'lost') throw new StreamError('UNAVAILABLE', 'the connection was lost')
    const errorCode = fault
    switch (api) {
      case 'ConsumerGroupHeartbeat': {
        if (errorCode === NONE) {
          if (request.topics !== null && request.topics.join() !== subscribed.join()) epoch++
          if (request.memberEpoch === 0) epoch++
          subscribed = request.topics ?? subscribed
        }
        const partitions = subscribed.length > 0 ? [{ topicId, partitions: [0] }] : []
        const assignment = request.owned === null ? null : partitions
        return { errorCode, errorMessage: null, memberEpoch: epoch, heartbeatIntervalMs: 20, assignment }
      }
      case 'ConsumerGroupDescribe': {
        const members = others.map((it) => ({
          ...it,
          instanceId: null,
          clientId: '',
          assignment: [],
          classic: false,
        }))
        return [{ errorCode, group: 'g', state: 'Stable', members }]
      }
      case 'DescribeConfigs': {
        const entries = [{ name: 'consumer.session.timeout.ms', value: String(sessionMs), own: false }]
        return [{ errorCode, errorMessage: null, name: 'g', entries }]
      }
      case 'ListTransactions':
        return { errorCode, transactions: [] }
      case 'OffsetFetch': {
        const at = stored ?? { offset: -1, metadata: null }
        const read = { topic: 't', partition: 0, leaderEpoch: -1, errorCode: NONE, ...at }
        return { errorCode, partitions: request.partitions.length === 0 ? [] : [read] }
      }
      case 'OffsetCommit': {
        const code = errorCode === NONE && request.generation !== epoch ? STALE_MEMBER_EPOCH : errorCode
        if (code === NONE) stored = request.partitions[0]
        return [{ topic: 't', partition: 0, errorCode: code }]
      }
      case 'ListOffsets':
        // biome-ignore lint/suspicious/noExplicitAny: a request
        return request.partitions.map((it: any) => ({ ...it, errorCode, offset: 0 }))
      default:
        throw new Error(`the fake coordinator has no ${api}`)
    }
  }
})

afterEach(async () => {
  await member?.member.stop()
})

async function join(
  options: { readonly instanceId?: string; readonly sessionTimeoutMs?: number } = {},
): Promise<TestMember> {
  const logger = {
    debug() {},
    info: (text: string) => void infos.push(text),
    warn: (text: string) => void warnings.push(text),
    error() {},
  }
  const cluster = { wire, logger, rack: undefined, groupProtocol: 'consumer' } as const
  member = await TestMember.join(cluster, 'g', 't', { sessionTimeoutMs: 200, ...options })
  return member
}

const heartbeats = () =>
  wire.asked.filter(({ api }) => api === 'ConsumerGroupHeartbeat').map(({ request }) => request)

describe('a member of KIP-848 whose coordinator fails', () => {
  test('joins through coordinators that move and load, under one id', async () => {
    faults.ConsumerGroupHeartbeat = [NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, 'lost']
    const it = await join()
    await it.holds(1)
    assert.ok(wire.invalidated >= 2)
    assert.equal(new Set(heartbeats().map(({ memberId }) => memberId)).size, 1)
  })

  test('says all there is to say again when an answer was lost, and keeps what it holds', async () => {
    const it = await join()
    await it.holds(1)
    const asked = heartbeats().length
    faults.ConsumerGroupHeartbeat = ['lost', NOT_COORDINATOR]
    await eventually(() => heartbeats().length > asked + 4)
    const full = heartbeats().filter(({ owned }) => owned?.length > 0)
    assert.deepEqual(full.at(-1).owned, [{ topicId: TOPIC_ID, partitions: [0] }])
    assert.deepEqual(it.events, ['assigned 0'])
  })

  test('whose epoch has moved: the checkpoint is stored under the one that the next heartbeat brings', async () => {
    const it = await join()
    const [held] = await it.holds(1)
    epoch++
    assert.equal(await it.checkpoint(held!, '7'), undefined)
    assert.equal(stored?.offset, 7)
    assert.deepEqual(it.events, ['assigned 0'])
  })

  for (const [code, how] of [
    [UNKNOWN_MEMBER_ID, 'takes it for dead'],
    [FENCED_MEMBER_EPOCH, 'fences it'],
  ] as const) {
    test(`that ${how}: all is lost, and it begins anew under another id and a later epoch`, async () => {
      const it = await join()
      const [held] = await it.holds(1)
      const { memberId } = it.member
      faults.ConsumerGroupHeartbeat = [code]
      await eventually(() => it.events.length >= 3, { what: 'it is assigned anew' })
      assert.deepEqual(it.events, ['assigned 0', 'lost 0', 'assigned 0'])
      const [again] = it.assignments
      assert.ok(again!.epoch > held!.epoch)
      assert.notEqual(it.member.memberId, memberId)
      assert.equal(await it.checkpoint(held!, '7'), 'FENCED')
      assert.equal(await it.checkpoint(again!, '3'), undefined)
      assert.equal(stored?.offset, 3)
      // What is known to the coordinator under the former id is not left to its session.
      const left = heartbeats().some((request) => request.memberId === memberId && request.memberEpoch === -1)
      assert.equal(left, code === FENCED_MEMBER_EPOCH)
    })
  }

  test('the same told by the answer to a checkpoint', async () => {
    const it = await join()
    const [held] = await it.holds(1)
    faults.OffsetCommit = [UNKNOWN_MEMBER_ID]
    assert.equal(await it.checkpoint(held!, '7'), 'FENCED')
    await eventually(() => it.events.length >= 3, { what: 'it is assigned anew' })
    assert.deepEqual(it.events, ['assigned 0', 'lost 0', 'assigned 0'])
  })

  test('a topic that was made anew under its name is another one: what was held of it is lost', async () => {
    const it = await join()
    const [held] = await it.holds(1)
    stored = undefined
    topicId = 'cd'.repeat(16)
    await it.member.reclaim('t', '0')
    // Any reason to say all there is to say.
    faults.ConsumerGroupHeartbeat = ['lost']
    await eventually(() => it.events.length >= 3, { what: 'it is assigned anew' })
    assert.deepEqual(it.events, ['assigned 0', 'lost 0', 'assigned 0'])
    assert.ok(it.assignments[0]!.epoch > held!.epoch)
    assert.equal(await it.checkpoint(held!, '7'), 'FENCED')
  })

  test('a partition whose handler hangs is kept idle alone, and its topic left to others while there are any', async () => {
    const it = await join()
    const [held] = await it.holds(1)
    await it.member.abandon(held!)
    await eventually(() => wire.asked.some(({ api }) => api === 'ConsumerGroupDescribe'))
    await eventually(() => heartbeats().at(-1).topics === null)
    assert.deepEqual(heartbeats().findLast(({ topics }) => topics !== null).topics, ['t'])
    others = [{ memberId: 'x', topics: ['t'] }]
    await eventually(() => heartbeats().some(({ topics }) => topics?.length === 0), {
      what: 'it leaves the topic',
    })
    others = []
    const said = () => heartbeats().findLast(({ topics }) => topics !== null).topics
    await eventually(() => said().length === 1, { what: 'it reads the topic again' })
    assert.deepEqual(it.events, ['assigned 0'])
    it.held.clear()
    await it.member.reclaim('t', '0')
    const [back] = await it.holds(1)
    assert.ok(back!.epoch > held!.epoch)
  })

  test('leaves a coordinator that hangs in time for a heartbeat to the next one', async () => {
    sessionMs = 6_000
    const it = await join({ sessionTimeoutMs: sessionMs })
    await it.holds(1)
    await eventually(() => wire.asked.some(({ api }) => api === 'DescribeConfigs'))
    wire.frozen.add(1)
    const beats = (node: number) =>
      wire.asked.filter((asked) => asked.api === 'ConsumerGroupHeartbeat' && asked.node === node)
    const before = beats(1).length
    await eventually(() => beats(1).length > before, { what: 'a heartbeat that hangs' })
    const hungAt = performance.now()
    wire.leader = 2
    await eventually(() => beats(2).length > 0, { what: 'a heartbeat to the next coordinator' })
    const took = performance.now() - hungAt
    assert.ok(took < sessionMs * 0.75, `after ${Math.round(took)} ms`)
    assert.deepEqual(it.events, ['assigned 0'])
  })

  test('tells the log of a coordinator that is not reached, and when it is again', async () => {
    const it = await join()
    await it.holds(1)
    wire.frozen.add(1)
    await eventually(() => warnings.some((text) => text.startsWith("group 'g' is not reached for")))
    wire.frozen.clear()
    await eventually(() => infos.some((text) => text.startsWith("group 'g' is not reached no longer")))
    assert.equal(warnings.length, 1)
  })

  test('tells the log of heartbeats that are refused for long, also of the first', async () => {
    faults.ConsumerGroupHeartbeat = new Array(1_000).fill(NOT_COORDINATOR)
    const joined = join()
    await eventually(() => warnings.some((text) => text.startsWith("group 'g' is not reached for")))
    faults.ConsumerGroupHeartbeat = []
    const it = await joined
    await it.holds(1)
    warnings.length = 0
    faults.ConsumerGroupHeartbeat = new Array(1_000).fill(NOT_COORDINATOR)
    await eventually(() => warnings.some((text) => text.startsWith("group 'g' is not reached for")))
  })

  test('tells the log what keeps it from beginning with a partition', async () => {
    faults.OffsetFetch = new Array(10_000).fill(UNSTABLE_OFFSET_COMMIT)
    const it = await join()
    const told = () => warnings.find((text) => text.startsWith("where group 'g' resumes in t/0 is not known"))
    const text = await eventually(told, { withinMs: 20_000 })
    assert.match(text, /UNSTABLE_OFFSET_COMMIT/)
    faults.OffsetFetch = []
    await it.holds(1)
  })

  test('brokers that do not move a classic group say so at once', async () => {
    faults.ConsumerGroupHeartbeat = [GROUP_ID_NOT_FOUND]
    await assert.rejects(join(), /classic protocol.*migration\.policy/)
  })

  test('a session that the brokers set longer than was asked for is told of', async () => {
    sessionMs = 45_000
    const it = await join()
    await it.holds(1)
    await eventually(() => warnings.length > 0)
    assert.match(warnings[0]!, /45000 ms, not 200.*consumer\.session\.timeout\.ms/)
  })

  test('brokers that have no such groups are UNSUPPORTED', async () => {
    const { answer } = wire
    wire.answer = (asked) => {
      if (asked.api !== 'ConsumerGroupHeartbeat') return answer(asked)
      throw new StreamError('UNSUPPORTED', 'the broker does not know ConsumerGroupHeartbeat')
    }
    await assert.rejects(
      join(),
      (error) =>
        error instanceof StreamError && error.code === 'UNSUPPORTED' && /Kafka 4\.0/.test(error.message),
    )
  })

  test('a name that a dead member still has is waited for', async () => {
    faults.ConsumerGroupHeartbeat = [UNRELEASED_INSTANCE_ID, UNRELEASED_INSTANCE_ID]
    const it = await join({ instanceId: 'a' })
    await it.holds(1)
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!, /instanceId 'a'/)
  })
})
