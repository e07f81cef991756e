import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'vitest'
import { openReader } from '../../../../adapters/kafka/reading/kafka-reader.ts'
import type { DriverReaderOptions, PartitionReader } from '../../../../src/driver.ts'
import { StreamError } from '../../../../src/driver.ts'
import { encodeBatch, stampBatch } from '../../../../src/formats/record-batch/index.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { type Asked, FakeWire } from '../support/fake-wire.ts'

const never = new AbortController().signal
const logger = { debug() {}, info() {}, error() {}, warn: (text: string) => void warnings.push(text) }

let warnings: string[]

let wire: FakeWire
/** Batches by their base offset, what the log begins and ends with, and what a broker says instead of giving records. */
let log: Buffer[]
let start: number
let end: number
let fault: (asked: Asked) => { readonly errorCode: number; readonly preferredReplica?: number } | undefined

beforeEach(() => {
  wire = new FakeWire()
  warnings = []
  log = []
  start = 0
  end = 0
  fault = () => undefined
  wire.answer = (asked) => {
    const { api, request } = asked
    if (api === 'ListOffsets') {
      // biome-ignore lint/suspicious/noExplicitAny: a request
      return request.partitions.map(({ topic, partition, timestamp }: any) => ({
        topic,
        partition,
        errorCode: 0,
        timestamp: -1,
        offset: timestamp === -2 ? start : end,
        leaderEpoch: 0,
      }))
    }
    if (api === 'OffsetForLeaderEpoch') {
      const [{ topic, partition, leaderEpoch }] = request
      return [{ topic, partition, errorCode: 0, leaderEpoch, endOffset: end }]
    }
    const [{ topic, partition, offset }] = request.partitions
    const said = fault(asked)
    const found = log.findLast((batch) => Number(batch.readBigInt64BE(0)) <= offset)
    const outside = offset > end || offset < start
    const records = said !== undefined || outside || offset === end ? Buffer.alloc(0) : found!
    const answer = {
      topic,
      partition,
      errorCode: outside ? 1 : 0,
      highWatermark: end,
      lastStable: end,
      logStart: start,
      aborted: [],
      preferredReplica: -1,
      records,
      ...said,
    }
    const partitions = [answer]
    // An empty answer takes its time.
    if (records.length > 0 || said !== undefined || outside) return { errorCode: 0, session: 0, partitions }
    return new Promise((resolve) => setTimeout(() => resolve({ errorCode: 0, session: 0, partitions }), 20))
  }
})

describe('a reader whose brokers fail', () => {
  test('goes on where it was when its leader moves, and looks for it', async () => {
    append('a', 0)
    append('b', 0)
    const reader = await open()
    assert.equal(await one(reader), 'a')
    let refusals = 0
    fault = ({ node }) => (node === 1 && ++refusals <= 2 ? { errorCode: 6 } : undefined)
    const next = one(reader)
    wire.leader = 2
    wire.leaderEpoch = 3
    assert.equal(await next, 'b')
    assert.ok(wire.invalidated > 0 || refusals === 0)
    assert.equal(wire.fetchedFrom.at(-1), 2)
  })

  test('is not ended by connections that are lost', async () => {
    append('a', 0)
    const reader = await open()
    const { answer } = wire
    let losses = 3
    wire.answer = (asked) => {
      if (asked.api === 'Fetch' && losses-- > 0)
        throw new StreamError('UNAVAILABLE', 'the connection was lost: try again')
      return answer(asked)
    }
    assert.equal(await one(reader), 'a')
  })

  test('tells the log when it finds no leader for long, and goes on', async () => {
    append('a', 0)
    fault = () => ({ errorCode: 6 })
    const reader = await open()
    const next = one(reader)
    const told = () => warnings.find((text) => text.startsWith("partition 0 of 't' is not read for"))
    assert.match(await eventually(told, { withinMs: 20_000 }), /NOT_LEADER_OR_FOLLOWER/)
    fault = () => undefined
    assert.equal(await next, 'a')
  })

  test('goes to the replica that the leader prefers, and back when that does not have the offset', async () => {
    append('a', 0)
    append('b', 0)
    fault = ({ node }) =>
      node === 1 && wire.fetchedFrom.length < 2 ? { errorCode: 0, preferredReplica: 2 } : undefined
    const reader = await open()
    assert.equal(await one(reader), 'a')
    assert.deepEqual(wire.fetchedFrom, [1, 2])
    fault = ({ node }) => (node === 2 ? { errorCode: 1 } : undefined)
    assert.equal(await one(reader), 'b')
    assert.deepEqual(wire.fetchedFrom, [1, 2, 2, 1])
  })

  test('does not take damaged bytes for records', async () => {
    append('a', 0)
    log[0]!.writeUInt8(log[0]!.readUInt8(66) ^ 1, 66)
    const reader = await open()
    await assert.rejects(one(reader), code('INTERNAL'))
  })

  test('finds a log that was truncated, when it opens and when the leader changes', async () => {
    append('a', 0)
    append('b', 0)
    const reader = await open()
    assert.equal(await one(reader), 'a')
    assert.equal(reader.checkpoint, '1:0')
    wire.leaderEpoch = 1
    log = []
    end = 0
    await assert.rejects(one(reader), code('POSITION_EXPIRED'))
    await assert.rejects(open({ start: { checkpoint: '1' } }), code('POSITION_EXPIRED'))
    await assert.rejects(open({ start: { from: { at: '1' } } }), code('INVALID_ARGUMENT'))
    append('x', 1)
    append('y', 1)
    const { answer } = wire
    wire.answer = (asked) => {
      if (asked.api !== 'OffsetForLeaderEpoch') return answer(asked)
      const [{ topic, partition }] = asked.request
      return [{ topic, partition, errorCode: 0, leaderEpoch: 0, endOffset: 0 }]
    }
    const resumed = await open({ start: { checkpoint: '1:0' } })
    await assert.rejects(one(resumed), code('POSITION_EXPIRED'))
    const unknown = await open({ start: { checkpoint: '1' } })
    assert.equal(await one(unknown), 'y', 'a checkpoint without an epoch cannot know')
  })

  test('asks for all of a batch that did not fit', async () => {
    append('x'.repeat(5_000), 0)
    const reader = await open()
    const { answer } = wire
    const asked: number[] = []
    wire.answer = async (it) => {
      const whole = (await answer(it)) as { partitions: { records: Buffer }[] }
      if (it.api !== 'Fetch') return whole
      const [{ maxBytes }] = it.request.partitions
      asked.push(maxBytes)
      const [partition] = whole.partitions
      return { ...whole, partitions: [{ ...partition, records: partition!.records.subarray(0, maxBytes) }] }
    }
    assert.equal((await one(reader, 100)).length, 5_000)
    assert.ok(asked.length === 2 && asked[1]! > 5_000, `${asked}`)
  })
})

function append(value: string, leaderEpoch: number): void {
  const record = {
    key: null,
    value: Buffer.from(value),
    headers: [],
    timestamp: undefined,
    partition: undefined,
  }
  const batch = Buffer.from(encodeBatch([record], undefined, 0, 1, { timestamp: 1 }))
  stampBatch(batch, 0, { baseOffset: end++, leaderEpoch })
  log.push(batch)
}

function open(options: Partial<DriverReaderOptions> = {}): Promise<PartitionReader> {
  return openReader(
    { wire, logger, rack: undefined, groupProtocol: 'classic' },
    { topic: 't', partition: '0', start: { from: 'earliest' }, ...options },
    () => {},
  )
}

async function one(reader: PartitionReader, maxBytes = 1 << 20): Promise<string> {
  const batch = await reader.next({ maxBytes, signal: never })
  assert.equal(batch?.count, 1)
  return String(batch?.value(0))
}

const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof StreamError, String(error))
  assert.equal(error.code, expected, error.message)
  return true
}
