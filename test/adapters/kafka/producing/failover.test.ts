import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openKafka } from '../../../../adapters/kafka/index.ts'
import type { KafkaWire, PartitionLayout } from '../../../../adapters/kafka/wire/wire.ts'
import type { Driver, EncodedRecord } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { kafkaAddress, openTestWire } from '../../../support/kafka/kafka-driver.ts'
import { uniqueName } from '../../../support/kafka/shared-broker.ts'
import { type Cluster, startCluster } from '../../../support/kafka/start-cluster.ts'

const PARTITIONS = 6
const KEYS = 40
/** Above the sum of what is waited for. */
const LIMIT = { timeout: 720_000 }

describe.runIf(inject('docker'))('three brokers, two replicas in sync at least', () => {
  let cluster: Cluster
  let driver: Driver
  let wire: KafkaWire
  beforeAll(async () => {
    cluster = await startCluster({ proxied: true })
    driver = await openKafka(kafkaAddress(cluster.addresses), { logger: quiet })
    wire = await openTestWire(cluster.addresses, { connectTimeoutMs: 2_000 })
  }, 180_000)
  afterAll(async () => {
    await wire?.close()
    await driver?.close()
    await cluster?.stop()
  }, 60_000)

  /** Partition 0, as the cluster sees it now. */
  async function first(topic: string): Promise<PartitionLayout> {
    return (await wire.topic(topic, { maxAgeMs: 0 })).partitions[0]!
  }

  const untilLedByAnother = (topic: string, node: number) =>
    expect
      .poll(() => first(topic).then(({ leader }) => leader), { timeout: 60_000 })
      .toSatisfy((leader: number) => leader > 0 && leader !== node)

  /** A broker that starts is a JVM that starts, and then catches up. */
  async function untilInSync(topic: string): Promise<void> {
    let seen: readonly (readonly number[])[] = []
    const inSync = async () => {
      seen = (await wire.topic(topic, { maxAgeMs: 0 })).partitions.map((partition) => partition.inSync)
      return seen.every(({ length }) => length === 3)
    }
    await eventually(inSync, { withinMs: 150_000, what: () => `three are in sync: ${JSON.stringify(seen)}` })
  }

  /** Sends without a pause while `trouble` happens and a little longer; then everything must be where it was said to be. */
  async function underLoad(trouble: (topic: string) => Promise<void>): Promise<void> {
    const topic = uniqueName('failover')
    await driver.admin.createTopic({ name: topic, partitions: PARTITIONS })
    const producer = await driver.openProducer({ clientId: 'load' })
    const places = new Map<string, string>()
    let sent = 0
    let over = false
    const senders = Array.from({ length: 4 }, async (_, sender) => {
      while (!over) {
        const records = Array.from({ length: 10 }, (): EncodedRecord => {
          const number = sent++
          return {
            key: Buffer.from(`${sender}-${number % KEYS}`),
            value: Buffer.from(`${sender}-${number % KEYS}:${number}`),
            headers: [],
            timestamp: undefined,
            partition: undefined,
          }
        })
        const acknowledgement = await producer.send(topic, records)
        for (const [i, { value }] of records.entries()) {
          const place = `${acknowledgement.partition(i)}/${acknowledgement.position(i)}`
          places.set(place, Buffer.from(value!).toString())
        }
        await sleep(2)
      }
    })
    const sending = Promise.all(senders)
    let failure: { readonly error: unknown } | undefined
    sending.catch((error) => {
      failure = { error }
    })
    const goesOn = (before = places.size) =>
      eventually(() => places.size > before + 200, {
        withinMs: 60_000,
        what: () => `sends go on: ${places.size - before} of 200`,
        unless: () => {
          if (failure !== undefined) throw failure.error
        },
      })
    await goesOn()
    await trouble(topic)
    await goesOn()
    over = true
    await sending
    await producer.close(1_000)
    const found = new Map<string, string>()
    const last = new Map<string, number>()
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const reader = await driver.openReader({
        topic,
        partition: String(partition),
        start: { from: 'earliest' },
        until: 'now',
      })
      for (;;) {
        const batch = await reader.next({ maxBytes: 1 << 20, signal: AbortSignal.timeout(30_000) })
        if (batch === null) break
        for (let i = 0; i < batch.count; i++) {
          const value = Buffer.from(batch.value(i)!).toString()
          found.set(`${partition}/${batch.position(i)}`, value)
          const [key, number] = value.split(':') as [string, string]
          expect(Number(number)).toBeGreaterThan(last.get(key) ?? -1)
          last.set(key, Number(number))
        }
      }
      await reader.close()
    }
    expect(places.size).toBe(sent)
    expect([...found].sort()).toEqual([...places].sort())
  }

  test('the leader is killed, and comes back', LIMIT, () =>
    underLoad(async (topic) => {
      const { leader } = await first(topic)
      await cluster.broker(leader).kill()
      await untilLedByAnother(topic, leader)
      await cluster.broker(leader).start()
      await untilInSync(topic)
    }),
  )

  test('the leader is paused for longer than its session', LIMIT, () =>
    underLoad(async (topic) => {
      const { leader } = await first(topic)
      await cluster.broker(leader).pause()
      await untilLedByAnother(topic, leader)
      await cluster.broker(leader).unpause()
      await untilInSync(topic)
    }),
  )

  test('the network between the client and one broker is cut', LIMIT, () =>
    underLoad(async (topic) => {
      const { proxy } = cluster.broker((await first(topic)).leader)
      proxy.cut()
      // How long it lasts.
      await sleep(4_000)
      proxy.heal()
    }),
  )

  test('all brokers are restarted, one after another', LIMIT, () =>
    underLoad(async (topic) => {
      for (const node of [1, 2, 3]) {
        await cluster.broker(node).restart()
        await untilInSync(topic)
      }
    }),
  )
})
