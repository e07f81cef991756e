import kafkajs, { type Producer } from 'kafkajs'
import { afterEach, describe, expect, test } from 'vitest'
import { openKafka } from '../../../../adapters/kafka/index.ts'
import type { Driver, DriverProducer, EncodedRecord } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import { SocketBrokers } from '../../../support/kafka-cluster/socket-brokers.ts'

/**
 * What kafkajs 2.2.4 does to acknowledged records, each with the same brokers and the same fault as this adapter, whose
 * connections are kafkajs's too. Where one of the first of a pair fails kafkajs has been mended.
 */
describe('what kafkajs does, and this adapter does not', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function brokersWith(nodes: number, leaders: readonly number[]): Promise<SocketBrokers> {
    const brokers = await SocketBrokers.start(nodes, leaders)
    closing.push(() => brokers.stop())
    return brokers
  }

  async function kafkajsProducer(brokers: SocketBrokers, idempotent: boolean): Promise<Producer> {
    const { Kafka, logLevel, Partitioners } = kafkajs
    const kafka = new Kafka({
      brokers: brokers.addresses,
      logLevel: logLevel.NOTHING,
      requestTimeout: 500,
      retry: { initialRetryTime: 50 },
    })
    const createPartitioner = Partitioners.DefaultPartitioner
    const producer = kafka.producer({ idempotent, createPartitioner, allowAutoTopicCreation: false })
    await producer.connect()
    closing.push(() => producer.disconnect())
    return producer
  }

  async function ourProducer(brokers: SocketBrokers): Promise<DriverProducer> {
    const driver: Driver = await openKafka(`kafka://${brokers.addresses.join(',')}`, { logger: quiet })
    const producer = await driver.openProducer({ clientId: 'ours' })
    closing.push(async () => {
      await producer.close(1_000)
      await driver.close()
    })
    return producer
  }

  const record = (value: string, partition?: number): EncodedRecord => ({
    key: null,
    value: Buffer.from(value),
    headers: [],
    timestamp: undefined,
    partition: partition === undefined ? undefined : String(partition),
  })

  /** The first Produce request to the node meets with `conduct`; says whether it has been. */
  function once(brokers: SocketBrokers, node: number, conduct: 'refuse' | 'hang'): () => boolean {
    let met = false
    brokers.conduct = (asked) => {
      if (met || asked !== node) return 'serve'
      met = true
      return conduct
    }
    return () => met
  }

  /** How often each value stands in the log. */
  function counts(brokers: SocketBrokers): Map<string, number> {
    const found = new Map<string, number>()
    for (const value of brokers.logs().flat()) found.set(value, (found.get(value) ?? 0) + 1)
    return found
  }

  const hundred = Array.from({ length: 100 }, (_, i) => String(i))

  describe('one broker of two fails once, under 100 keyless records', () => {
    // kafkajs deals keyless records round, and at the retry goes on where it was: 100 records and 8 partitions swap the halves.
    const setUp = () => brokersWith(2, [1, 1, 1, 1, 2, 2, 2, 2])

    test('kafkajs loses some and doubles others, all acknowledged', async () => {
      const brokers = await setUp()
      const producer = await kafkajsProducer(brokers, false)
      once(brokers, 2, 'refuse')
      await producer.send({ topic: 't', acks: -1, messages: hundred.map((value) => ({ value })) })
      const found = counts(brokers)
      const lost = hundred.filter((value) => !found.has(value)).length
      const doubled = [...found.values()].filter((count) => count > 1).length
      console.log(`kafkajs: ${lost} of 100 lost, ${doubled} doubled`)
      expect(lost).toBeGreaterThanOrEqual(48)
      expect(doubled).toBe(100 - lost)
    })

    test('ours stand once each, where they were said to be', async () => {
      const brokers = await setUp()
      const producer = await ourProducer(brokers)
      const met = once(brokers, 2, 'refuse')
      // So large that they are spread over the partitions: small ones stay together.
      const headers = [{ name: 'large', value: Buffer.alloc(64 * 1024) }]
      const answer = await producer.send(
        't',
        hundred.map((value) => ({ ...record(value), headers })),
      )
      expect(met()).toBe(true)
      const places = hundred.map((value, i) => [`${answer.partition(i)}/${answer.position(i)}`, value])
      const standing = brokers
        .logs()
        .flatMap((log, partition) => log.map((value, offset) => [`${partition}/${offset}`, value]))
      expect(places.sort()).toEqual(standing.sort())
    })
  })

  describe('a leader moves to a broker that has answered already', () => {
    const setUp = () => brokersWith(2, [1, 2])

    function moveAtFirst(brokers: SocketBrokers): void {
      let moved = false
      brokers.conduct = (node) => {
        if (moved || node !== 2) return 'serve'
        moved = true
        brokers.cluster.partitions[1]!.leader = 1
        return 'serve'
      }
    }

    test('kafkajs never sends the partition, and resolves', async () => {
      const brokers = await setUp()
      const producer = await kafkajsProducer(brokers, false)
      moveAtFirst(brokers)
      const messages = [
        { value: 'stays', partition: 0 },
        { value: 'moves', partition: 1 },
      ]
      const answer = await producer.send({ topic: 't', acks: -1, messages })
      expect(brokers.logs()).toEqual([['stays'], []])
      expect(answer.map(({ partition }) => partition)).toEqual([0])
    })

    test('ours follows it', async () => {
      const brokers = await setUp()
      const producer = await ourProducer(brokers)
      moveAtFirst(brokers)
      await producer.send('t', [record('stays', 0), record('moves', 1)])
      expect(brokers.logs()).toEqual([['stays'], ['moves']])
    })
  })

  describe('a broker writes and does not answer, while another send waits', () => {
    const setUp = () => brokersWith(1, [1])

    test("kafkajs gives the second record the first one's sequence: lost, and the first doubled", async () => {
      const brokers = await setUp()
      const producer = await kafkajsProducer(brokers, true)
      once(brokers, 1, 'hang')
      const send = (value: string) => producer.send({ topic: 't', acks: -1, messages: [{ value }] })
      const first = send('first')
      await expect.poll(() => brokers.logs()[0]).toEqual(['first'])
      await Promise.all([first, send('second')])
      expect(brokers.logs()).toEqual([['first', 'first']])
    })

    test('ours stand once each, in order', async () => {
      const brokers = await setUp()
      const producer = await ourProducer(brokers)
      once(brokers, 1, 'hang')
      const send = (value: string) => producer.send('t', [record(value, 0)])
      const first = send('first')
      // In a batch of its own, while the first is on its way.
      await expect.poll(() => brokers.logs()[0]).toEqual(['first'])
      const answers = await Promise.all([first, send('second')])
      expect(brokers.logs()).toEqual([['first', 'second']])
      expect(answers.map((answer) => answer.position(0))).toEqual(['0', '1'])
    })
  })
})
