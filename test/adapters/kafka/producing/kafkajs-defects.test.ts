import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openKafka } from '../../../../adapters/kafka/index.ts'
import { produce } from '../../../../adapters/kafka/wire/protocol/produce.ts'
import type { Driver, EncodedRecord } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import { uniqueName } from '../../../support/kafka/shared-broker.ts'
import { type Cluster, startCluster } from '../../../support/kafka/start-cluster.ts'

const RECORDS = 100

/** What kafkajs does when left alone with it (its partitioner runs again at each retry), and what becomes of it here. */
describe.runIf(inject('docker'))('a broker that loses one request', () => {
  let cluster: Cluster
  let driver: Driver
  beforeAll(async () => {
    cluster = await startCluster()
    driver = await openKafka(`kafka://${cluster.address}`, { logger: quiet })
  }, 120_000)
  afterAll(async () => {
    await driver?.close()
    await cluster?.stop()
  }, 60_000)

  async function topicOf(): Promise<string> {
    const name = uniqueName('defects')
    await driver.admin.createTopic({ name, partitions: 6 })
    return name
  }

  const values = Array.from({ length: RECORDS }, (_, i) => String(i))
  const loseOne = () => cluster.brokers[1]!.proxy.loseNext(produce.key)

  /** How many of the values are missing, and how many there are beyond one each. */
  async function judge(topic: string): Promise<{ lost: number; doubled: number }> {
    const found: string[] = []
    for (let partition = 0; partition < 6; partition++) {
      const start = { from: 'earliest' } as const
      const reader = await driver.openReader({ topic, partition: String(partition), start, until: 'now' })
      for (;;) {
        const batch = await reader.next({ maxBytes: 1 << 20, signal: AbortSignal.timeout(20_000) })
        if (batch === null) break
        for (let i = 0; i < batch.count; i++) found.push(Buffer.from(batch.value(i)!).toString())
      }
      await reader.close()
    }
    const different = new Set(found).size
    return { lost: RECORDS - different, doubled: found.length - different }
  }

  test('kafkajs alone acknowledges keyless records and loses some of them', { timeout: 60_000 }, async () => {
    const topic = await topicOf()
    const kafka = new Kafka({ brokers: cluster.address.split(','), logLevel: logLevel.NOTHING })
    const producer = kafka.producer()
    await producer.connect()
    const happened = loseOne()
    await producer.send({ topic, messages: values.map((value) => ({ value })) })
    await happened
    await producer.disconnect()
    // Should this fail one day, the library has been mended.
    expect((await judge(topic)).lost).toBeGreaterThan(0)
  })

  test('this adapter loses and doubles none', { timeout: 60_000 }, async () => {
    const topic = await topicOf()
    const producer = await driver.openProducer({ clientId: 'defects' })
    const happened = loseOne()
    await Promise.all(
      values.map((value, i) => {
        const record: EncodedRecord = {
          key: null,
          value: Buffer.from(value),
          headers: [],
          timestamp: undefined,
          // All brokers get some, so that one of them may fail.
          partition: String(i % 6),
        }
        return producer.send(topic, [record])
      }),
    )
    await happened
    await producer.close(1_000)
    expect(await judge(topic)).toEqual({ lost: 0, doubled: 0 })
  })
})
