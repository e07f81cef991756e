import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { KafkaError } from '../../../../adapters/kafka/wire/error-codes.ts'
import { createTopics } from '../../../../adapters/kafka/wire/protocol/create-topics.ts'
import { fetch } from '../../../../adapters/kafka/wire/protocol/fetch.ts'
import { heartbeat } from '../../../../adapters/kafka/wire/protocol/heartbeat.ts'
import { EARLIEST, LATEST, listOffsets } from '../../../../adapters/kafka/wire/protocol/list-offsets.ts'
import { offsetCommit } from '../../../../adapters/kafka/wire/protocol/offset-commit.ts'
import { offsetFetch } from '../../../../adapters/kafka/wire/protocol/offset-fetch.ts'
import { produce } from '../../../../adapters/kafka/wire/protocol/produce.ts'
import type { KafkaWire } from '../../../../adapters/kafka/wire/wire.ts'
import { encodeBatch, RecordBatchView } from '../../../../src/formats/record-batch/index.ts'
import { freePort } from '../../../support/kafka/free-port.ts'
import { openTestWire } from '../../../support/kafka/kafka-driver.ts'
import { sharedBroker, uniqueName } from '../../../support/kafka/shared-broker.ts'

describe.runIf(inject('docker'))('the wire', () => {
  let wire: KafkaWire
  const topic = uniqueName('wire')

  beforeAll(async () => {
    wire = await openTestWire(await sharedBroker())
    const [created] = await wire.request({ kind: 'controller' }, createTopics, {
      topics: [{ name: topic, partitions: 2, replicationFactor: 1, settings: [] }],
      timeoutMs: 10_000,
    })
    expect(created).toMatchObject({ name: topic, errorCode: 0 })
  })
  afterAll(() => wire?.close())

  test('knows topics with leaders, epochs and ids', async () => {
    await expect.poll(() => wire.topic(topic, { maxAgeMs: 0 }).catch(() => null)).not.toBeNull()
    const layout = await wire.topic(topic)
    expect(layout.partitions).toMatchObject([
      { id: 0, leader: 1, leaderEpoch: 0, replicas: [1], inSync: [1] },
      { id: 1, leader: 1, leaderEpoch: 0 },
    ])
    expect(layout.id).toMatch(/^[0-9a-f]{32}$/)
    expect((await wire.topics()).map(({ name }) => name)).toContain(topic)
    await expect(wire.topic('no-such-topic')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('passes batches in and out as they are', async () => {
    const value = Buffer.alloc(3_000, 7)
    // A time of long ago would have retention remove it.
    const timestamp = Date.now()
    const record = { key: Buffer.from('k'), value, headers: [], timestamp, partition: undefined }
    const batch = encodeBatch([record, record], undefined, 0, 2, { timestamp })
    const to = { kind: 'leader', topic, partition: 1 } as const
    const write = async () => {
      const [produced] = await wire.request(to, produce, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 5_000,
        partitions: [{ topic, partition: 1, batch }],
      })
      return produced
    }
    // A broker hears a moment later than the controller that it leads a new partition.
    await expect.poll(write).toMatchObject({ topic, partition: 1, errorCode: 0, baseOffset: 0 })
    const answer = await wire.request(
      to,
      fetch,
      {
        maxWaitMs: 100,
        minBytes: 1,
        maxBytes: 1 << 20,
        isolation: 'committed',
        rack: '',
        partitions: [{ topic, partition: 1, leaderEpoch: 0, offset: 1, maxBytes: 1 << 20 }],
      },
      { lane: 'fetch' },
    )
    expect(answer.errorCode).toBe(0)
    expect(answer.partitions).toMatchObject([{ errorCode: 0, highWatermark: 2, lastStable: 2, aborted: [] }])
    const { records } = answer.partitions[0]!
    const view = new RecordBatchView(records, 0, records.length, { from: 1 })
    expect(view.count).toBe(1)
    const offsetAt = async (timestamp: number) => {
      const partitions = [{ topic, partition: 1, leaderEpoch: -1, timestamp }]
      return (await wire.request(to, listOffsets, { isolation: 'committed', partitions }))[0]
    }
    expect(await offsetAt(LATEST)).toMatchObject({ errorCode: 0, offset: 2, leaderEpoch: 0 })
    expect(await offsetAt(EARLIEST)).toMatchObject({ errorCode: 0, offset: 0 })
    expect(await offsetAt(timestamp)).toMatchObject({ errorCode: 0, offset: 0, timestamp })
    expect(await offsetAt(timestamp + 1)).toMatchObject({ errorCode: 0, offset: -1 })
  })

  test('commits and fetches offsets, and tells codes rather than throwing', async () => {
    const group = uniqueName('group')
    const to = { kind: 'group', group } as const
    await expect.poll(() => wire.nodeOf(to).catch(() => -1)).toBe(1)
    const commit = () =>
      wire.request(to, offsetCommit, {
        group,
        generation: -1,
        memberId: '',
        groupInstanceId: null,
        partitions: [{ topic, partition: 0, offset: 3, leaderEpoch: 0, metadata: 'état' }],
      })
    await expect.poll(async () => (await commit())[0]?.errorCode).toBe(0)
    const fetched = await wire.request(to, offsetFetch, { group, partitions: null, requireStable: true })
    expect(fetched).toEqual({
      errorCode: 0,
      partitions: [{ topic, partition: 0, offset: 3, leaderEpoch: 0, metadata: 'état', errorCode: 0 }],
    })
    const beat = await wire.request(to, heartbeat, {
      group,
      generation: 4,
      memberId: 'nobody',
      groupInstanceId: null,
    })
    expect(beat.errorCode).toBe(KafkaError.UNKNOWN_MEMBER_ID)
  })

  test('a port where nobody listens is told within seconds', async () => {
    const port = await freePort()
    const connectTimeoutMs = 5_000
    const begun = performance.now()
    await expect(openTestWire(`127.0.0.1:${port}`, { connectTimeoutMs })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(`127.0.0.1:${port}.*no broker listens there`),
    })
    expect(performance.now() - begun).toBeLessThan(connectTimeoutMs)
  })

  test('TLS on a plain port is told within seconds', async () => {
    const { host, port } = wire.brokers()[0]!
    await expect(openTestWire(`${host}:${port}`, { tls: {} })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('TLS'),
    })
  })
})
