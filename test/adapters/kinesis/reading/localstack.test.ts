import assert from 'node:assert/strict'
import {
  CreateStreamCommand,
  DescribeStreamSummaryCommand,
  PutRecordsCommand,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import type { Kinesis } from '../../../../adapters/kinesis/parts.ts'
import { openReader } from '../../../../adapters/kinesis/reading/open-reader.ts'
import type { DriverReaderOptions, PartitionReader } from '../../../../src/driver.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { rejectsWith } from '../../../conformance/rejects-with.ts'
import { sharedLocalstack } from '../../../support/localstack/shared-localstack.ts'
import { uniqueName } from '../../../support/unique-name.ts'
import { aggregateOf, FIRST, filled, openKinesisAt, rest, valuesOf } from './fake-shard.ts'

/** What the fake might have got wrong: the same by somebody else's reading of the service. */
describe.skipIf(!inject('docker'))('reading a shard of LocalStack', () => {
  let polling: Kinesis
  let fanOut: Kinesis
  const readers: PartitionReader[] = []

  beforeAll(async () => {
    const endpoint = await sharedLocalstack()
    polling = openKinesisAt(endpoint)
    fanOut = openKinesisAt(endpoint, 'fanout=app')
  }, 180_000)

  afterAll(async () => {
    await Promise.all(readers.map((reader) => reader.close()))
    polling?.service.close()
    fanOut?.service.close()
  })

  test('from and to every kind of place', async () => {
    const stream = await streamOf(polling)
    const [a, b] = await put(stream, ['a', 'b'])
    const [sequence] = await put(stream, [aggregateOf(['c', 'd', 'e'].map((value) => ({ value })))])
    const read = async (options: Partial<DriverReaderOptions>) => rest(await open(polling, stream, options))
    const from = (start: DriverReaderOptions['start']) => read({ start, until: 'now' })
    assert.deepEqual(await from({ from: 'earliest' }), ['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual(await from({ from: { at: b! } }), ['b', 'c', 'd', 'e'])
    assert.deepEqual(await from({ from: { after: `${sequence}/1` } }), ['e'])
    assert.deepEqual(await from({ from: { after: `${sequence}/2` } }), [])
    assert.deepEqual(await from({ from: 'latest' }), [])
    assert.deepEqual(await from({ from: { timestamp: Date.now() - 60_000 } }), ['a', 'b', 'c', 'd', 'e'])
    assert.deepEqual(await from({ checkpoint: `${sequence}/0` }), ['d', 'e'])
    assert.deepEqual(await read({ until: { at: b! } }), ['a'])
    assert.deepEqual(await read({ until: { after: `${sequence}/1` } }), ['a', 'b', 'c', 'd'])
    const beyond = String(BigInt(sequence!) + 10n ** 12n)
    await rejectsWith('INVALID_ARGUMENT', () => open(polling, stream, { start: { from: { at: beyond } } }))
    assert.ok(BigInt(a!) < BigInt(b!))
  })

  test('latest, to what comes later, and to the end of the shard', async () => {
    const stream = await streamOf(polling)
    await put(stream, ['old'])
    const reader = await open(polling, stream, { start: { from: 'latest' } })
    await put(stream, ['new'])
    assert.deepEqual(valuesOf(await filled(reader)), ['new'])
    await put(stream, ['last'])
    const half = String(2n ** 127n)
    await polling.service.call(
      new SplitShardCommand({ StreamName: stream, ShardToSplit: FIRST, NewStartingHashKey: half }),
    )
    assert.deepEqual(await rest(reader), ['last'])
    assert.equal(reader.checkpoint, 'SHARD_END')
    const children = (await polling.streams.shards(stream)).shard(FIRST)!.children
    assert.equal(children.length, 2)
    for (const partition of children) {
      assert.deepEqual(await rest(await open(polling, stream, { partition, until: 'now' })), [])
    }
  })

  test('by fan-out over HTTP/1.1', async () => {
    const stream = await streamOf(fanOut)
    await put(stream, ['a', 'b'])
    const reader = await open(fanOut, stream, {})
    assert.deepEqual(valuesOf(await filled(reader)), ['a', 'b'])
    await put(stream, ['c'])
    assert.deepEqual(valuesOf(await filled(reader)), ['c'])
  })

  async function open(
    kinesis: Kinesis,
    topic: string,
    options: Partial<DriverReaderOptions>,
  ): Promise<PartitionReader> {
    const start = { from: 'earliest' } as const
    const reader = await openReader(kinesis, { topic, partition: FIRST, start, ...options }, () => {})
    readers.push(reader)
    return reader
  }

  /** Of one shard. */
  async function streamOf({ service }: Kinesis): Promise<string> {
    const StreamName = uniqueName('reading')
    await service.call(new CreateStreamCommand({ StreamName, ShardCount: 1 }))
    await eventually(async () => {
      const { StreamDescriptionSummary } = await service.call(
        new DescribeStreamSummaryCommand({ StreamName }),
      )
      return StreamDescriptionSummary?.StreamStatus === 'ACTIVE'
    })
    return StreamName
  }

  /** One record of the service each; their sequence numbers. */
  async function put(StreamName: string, values: readonly (string | Buffer)[]): Promise<string[]> {
    const numbers: string[] = []
    for (const value of values) {
      const Records = [{ Data: Buffer.from(value), PartitionKey: 'k', ExplicitHashKey: '0' }]
      const answer = await polling.service.call(new PutRecordsCommand({ StreamName, Records }))
      numbers.push(answer.Records![0]!.SequenceNumber!)
    }
    return numbers
  }
})
