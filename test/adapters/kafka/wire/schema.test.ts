import { readdirSync } from 'node:fs'
import { afterEach, describe, expect, inject, test, vi } from 'vitest'
import { openKafka } from '../../../../adapters/kafka/index.ts'
import { BrokerLink } from '../../../../adapters/kafka/wire/broker-link.ts'
import { frameRequest } from '../../../../adapters/kafka/wire/frame.ts'
import { apiVersions } from '../../../../adapters/kafka/wire/protocol/api-versions.ts'
import { deleteRecords } from '../../../../adapters/kafka/wire/protocol/delete-records.ts'
import { describeTransactions } from '../../../../adapters/kafka/wire/protocol/describe-transactions.ts'
import { listTransactions } from '../../../../adapters/kafka/wire/protocol/list-transactions.ts'
import { offsetForLeaderEpoch } from '../../../../adapters/kafka/wire/protocol/offset-for-leader-epoch.ts'
import type { Api } from '../../../../adapters/kafka/wire/wire.ts'
import { WireReader } from '../../../../adapters/kafka/wire/wire-reader.ts'
import { connect, json, StreamError, topic as topicOf } from '../../../../src/index.ts'
import { quiet } from '../../../conformance/connection.ts'
import { kafkaAddress, openTestWire } from '../../../support/kafka/kafka-driver.ts'
import { type MessageSchema, messageSchemas } from '../../../support/kafka/message-schemas.ts'
import { decodeBySchema, isIn } from '../../../support/kafka/schema-decoder.ts'
import { uniqueName } from '../../../support/kafka/shared-broker.ts'
import { startBroker } from '../../../support/kafka/start-broker.ts'

/** One request and its answer, as they went over the wire; bodies without headers. */
interface Exchange {
  readonly api: Api<unknown, unknown>
  readonly sent: unknown
  readonly request: Buffer
  readonly answer: Buffer
}

const CORRELATION_ID = 7
const CLIENT_ID = 'schema-test'
const PROTOCOL = new URL('../../../../adapters/kafka/wire/protocol/', import.meta.url)

/** All requests that this adapter has. */
async function allApis(): Promise<Api<unknown, unknown>[]> {
  const modules = await Promise.all(
    readdirSync(PROTOCOL).map((file) => import(new URL(file, PROTOCOL).href) as Promise<object>),
  )
  return modules.flatMap((module) =>
    Object.values(module).filter((each) => typeof each === 'object' && 'encode' in each),
  )
}

/** Notes what every connection sends and gets. */
function trace(): Exchange[] {
  const exchanges: Exchange[] = []
  const original = BrokerLink.prototype.send
  vi.spyOn(BrokerLink.prototype, 'send').mockImplementation(function (
    this: BrokerLink,
    api,
    request,
    timeoutMs,
  ) {
    const noted: typeof api = {
      ...api,
      decode(from, sent) {
        const frame = Buffer.concat(frameRequest(api, CORRELATION_ID, CLIENT_ID, sent))
        const answer = from.buffer.subarray(from.at)
        exchanges.push({ api: api as Api<unknown, unknown>, sent, request: bodyOf(frame, api), answer })
        return api.decode(from, sent)
      },
    }
    return original.call(this, noted as never, request, timeoutMs) as Promise<never>
  })
  return exchanges
}

/** Checks length and header, and gives what follows. */
function bodyOf(frame: Buffer, { key, version, flexible }: Api<never, unknown>): Buffer {
  expect(frame.readInt32BE(0)).toBe(frame.length - 4)
  expect([frame.readInt16BE(4), frame.readInt16BE(6), frame.readInt32BE(8)]).toEqual([
    key,
    version,
    CORRELATION_ID,
  ])
  const end = 14 + frame.readInt16BE(12)
  expect(frame.toString('utf8', 14, end)).toBe(CLIENT_ID)
  if (flexible) expect(frame[end]).toBe(0)
  return frame.subarray(flexible ? end + 1 : end)
}

/** Uses everything that the adapter can do. */
async function work(broker: string, parameters: Record<string, string>): Promise<void> {
  const address = kafkaAddress(broker, parameters)
  const streams = await connect(address, { require: ['transactions', 'addPartitions'], logger: quiet })
  const topic = topicOf(uniqueName('schema'), { value: json<number>(), key: String })
  const results = topicOf(uniqueName('results'), { value: json<number>() })
  const group = uniqueName('group')
  await streams.admin.createTopic({ name: topic.name, partitions: 2, settings: { 'segment.ms': '60000' } })
  await streams.admin.createTopic({ name: results.name })
  await streams.admin.addPartitions(topic.name, 3, { acceptReordering: true })
  await streams.admin.listTopics()
  const producer = streams.producer()
  await producer.sendBatch(topic, [1, 2, 3, 4, 5])
  const seen: unknown[] = []
  for await (const batch of streams.read(topic, { from: { timestamp: 1 }, until: 'now' })) {
    for (const record of batch) seen.push(record.value)
  }
  expect(seen).toHaveLength(5)
  for (const instanceId of [undefined, 'one']) {
    const consumer = streams.consumer({
      group,
      topics: [topic],
      from: 'earliest',
      sessionTimeoutMs: 2_000,
      ...(instanceId !== undefined && { instanceId }),
    })
    if (instanceId === undefined) {
      let left = 5
      for await (const batch of consumer) {
        await streams.transaction(batch, (tx) =>
          tx.sendBatch(
            results,
            batch.records.map(({ value }) => value!),
          ),
        )
        left -= batch.length
        if (left <= 0) break
      }
    } else {
      await producer.send(topic, 6)
      for await (const batch of consumer) {
        await batch.checkpoint()
        break
      }
    }
    await consumer.close()
  }
  await streams.groups.listGroups()
  await streams.groups.describeGroup(group)
  await streams.groups.seekGroup(group, topic.name, 'earliest', { force: true })
  await streams.groups.deleteGroup(group)
  await producer.close()
  await streams.admin.deleteTopic(results.name)
  await streams.close()
}

/** An answer that was cut off or changed is told, or read as something else, and nothing but that. */
function damaged({ api, sent, answer }: Exchange): void {
  const read = (bytes: Buffer): void => {
    try {
      api.decode(new WireReader(bytes), sent)
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
    }
  }
  for (let length = 0; length < Math.min(answer.length, 500); length++) read(answer.subarray(0, length))
  const hostile = [0xff, 0x7f, 0x80]
  for (let at = 0; at < Math.min(answer.length, 500); at++) {
    for (let bit = 0; bit < 8; bit++) {
      const bytes = Buffer.from(answer)
      bytes[at]! ^= 1 << bit
      read(bytes)
    }
    for (const byte of hostile) read(Buffer.from(answer).fill(byte, at, Math.min(at + 4, answer.length)))
  }
}

/** What is asked only when something has gone wrong. */
async function rarely(broker: string): Promise<void> {
  const driver = await openKafka(kafkaAddress(broker), { logger: quiet })
  const topic = uniqueName('rare')
  await driver.admin.createTopic({ name: topic })
  await driver.close()
  const wire = await openTestWire(broker)
  const leader = { kind: 'leader', topic, partition: 0 } as const
  const partition = { topic, partition: 0 }
  await wire.request(leader, offsetForLeaderEpoch, [{ ...partition, currentLeaderEpoch: -1, leaderEpoch: 0 }])
  await wire.request(leader, deleteRecords, { timeoutMs: 1_000, partitions: [{ ...partition, before: 0 }] })
  await wire.request({ kind: 'any' }, apiVersions, {})
  await wire.request({ kind: 'any' }, listTransactions, { states: ['Ongoing'] })
  await wire.request({ kind: 'any' }, describeTransactions, { transactionalIds: ['a', 'b'] })
  await wire.close()
}

describe.runIf(inject('docker'))('every request and answer is as the protocol’s schema has it', () => {
  afterEach(() => void vi.restoreAllMocks())

  test.each(['apache/kafka:4.1.1', 'apache/kafka:4.2.0'])('%s', { timeout: 240_000 }, async (image) => {
    const broker = await startBroker({ image })
    try {
      const schemas = await messageSchemas(broker.container)
      const exchanges = trace()
      for (const groupProtocol of ['classic', 'consumer']) await work(broker.address, { groupProtocol })
      await rarely(broker.address)
      const seen = new Set(exchanges.map(({ api }) => `${api.name} ${api.version}`))
      const missed = (await allApis()).filter(({ name, version }) => !seen.has(`${name} ${version}`))
      expect(missed.map(({ name, version }) => `${name} ${version}`)).toEqual([])
      for (const { api, request, answer } of exchanges) {
        for (const [type, bytes] of [
          ['request', request],
          ['response', answer],
        ] as const) {
          const schema = schemas.get(`${type}/${api.key}`) as MessageSchema
          expect(isIn(schema.flexibleVersions, api.version), `${schema.name} ${api.version}`).toBe(
            api.flexible,
          )
          decodeBySchema(schema, api.version, bytes)
        }
      }
      const oneEach = new Map(
        exchanges.map((exchange) => [`${exchange.api.name} ${exchange.api.version}`, exchange]),
      )
      for (const exchange of oneEach.values()) damaged(exchange)
    } finally {
      await broker.stop()
    }
  })
})
