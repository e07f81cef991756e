import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, inject, test } from 'vitest'
import { openReader } from '../../../adapters/kafka/reading/kafka-reader.ts'
import type { KafkaWire, TopicLayout } from '../../../adapters/kafka/wire/wire.ts'
import { connect, json, type Streams, type TopicLike, topic as topicOf } from '../../../src/index.ts'
import { quiet } from '../../conformance/connection.ts'
import { eventually, within } from '../../conformance/eventually.ts'
import { kafkaAddress } from '../../support/kafka/kafka-driver.ts'
import { uniqueName } from '../../support/kafka/shared-broker.ts'
import { type Cluster, startCluster } from '../../support/kafka/start-cluster.ts'
import { TestCluster } from './support/test-cluster.ts'

const RECORDS = 400

describe.skipIf(!inject('docker'))('three brokers, of which one at a time fails', () => {
  let brokers: Cluster
  let cluster: TestCluster
  let streams: Streams
  /** The same cluster by members of KIP-848. */
  let newer: Streams

  beforeAll(async () => {
    brokers = await startCluster()
    cluster = await TestCluster.open(brokers.addresses)
    streams = (await connect(kafkaAddress(brokers.addresses), { logger: quiet })) as unknown as Streams
    newer = (await connect(kafkaAddress(brokers.addresses, { groupProtocol: 'consumer' }), {
      logger: quiet,
    })) as unknown as Streams
    // The first group has its coordinator's topic made.
    const warm = topicOf(uniqueName('warm'), { value: json<number>() })
    await streams.admin.createTopic({ name: warm.name })
    await streams.groups.seekGroup(uniqueName('group'), warm.name, 'earliest', {})
  }, 180_000)
  afterAll(async () => {
    await newer?.close()
    await streams?.close()
    await cluster?.close()
    await brokers?.stop()
  })

  test('reads from the replica of its own rack', { timeout: 30_000 }, async () => {
    const topic = await cluster.topic(3)
    for (let partition = 0; partition < 3; partition++) await cluster.write(topic, partition, ['a', 'b', 'c'])
    const near = await TestCluster.open(brokers.addresses, 'r2')
    const fetched: number[] = []
    const spied = new TestCluster(spy(near.wire, fetched), 'r2')
    for (let partition = 0; partition < 3; partition++) {
      const reader = await openReader(
        spied,
        { topic, partition: String(partition), start: { from: 'earliest' }, until: 'now' },
        () => {},
      )
      let count = 0
      for (;;) {
        const batch = await reader.next({ maxBytes: 1 << 20, signal: new AbortController().signal })
        if (batch === null) break
        count += batch.count
      }
      assert.equal(count, 3)
      assert.equal(fetched.at(-1), 2, `the last fetch of ${partition} went to ${fetched}`)
      await reader.close()
    }
    await near.close()
  })

  test('a leader that hangs holds up its own partitions alone', { timeout: 240_000 }, async () => {
    const topic = topicOf(uniqueName('alone'), { value: json<number>() })
    // Without replicas: what is acknowledged elsewhere must not need the broker that hangs.
    const settings = { 'replication.factor': '1', 'min.insync.replicas': '1' }
    await streams.admin.createTopic({ name: topic.name, partitions: 6, settings })
    const { partitions } = await cluster.wire.topic(topic.name, { maxAgeMs: 0 })
    const node = partitions[0]!.leader
    const ledBy = (led: boolean) =>
      partitions.filter(({ leader }) => (leader === node) === led).map(({ id }) => String(id))
    const [touched, others] = [ledBy(true), ledBy(false)]
    assert.ok(others.length > 0)

    const last = new Map<string, number>()
    const stop = new AbortController()
    const reading = (async () => {
      for await (const batch of streams.read(topic, { partitions: others, signal: stop.signal })) {
        for (const record of batch) last.set(record.partition, record.value as number)
      }
    })()
    const producer = streams.producer()
    const sendTo = (to: readonly string[], i: number) =>
      to.map((partition) => producer.send(topic, i, { partition }))
    await Promise.all([...sendTo(touched, 0), ...sendTo(others, 0)])

    await brokers.broker(node).pause()
    const held: Promise<unknown>[] = []
    let heldSettled = 0
    let slowestMs = 0
    const end = performance.now() + 6_000
    let next = 1
    for (; performance.now() < end; next++) {
      const began = performance.now()
      for (const each of sendTo(touched, next)) held.push(each.then(() => heldSettled++))
      await Promise.all(sendTo(others, next))
      await eventually(() => others.every((partition) => last.get(partition) === next), {
        withinMs: 20_000,
        what: 'what was sent is read',
      })
      slowestMs = Math.max(slowestMs, performance.now() - began)
    }
    assert.equal(heldSettled, 0)
    await brokers.broker(node).unpause()
    // A client that waited for the broker would have waited for a time-out: 5 s, or 20 s.
    assert.ok(slowestMs < 3_000, `it took ${slowestMs} ms to send and to read`)

    await within(60_000, Promise.all(held), 'what was held up is sent')
    stop.abort()
    await reading.catch(() => {})
    const found = new Map<string, number[]>(touched.map((partition) => [partition, []]))
    for await (const batch of streams.read(topic, { partitions: touched, until: 'now' })) {
      for (const { partition, value } of batch) found.get(partition)!.push(value as number)
    }
    for (const values of found.values()) {
      assert.deepEqual(
        values,
        Array.from({ length: next }, (_, i) => i),
      )
    }
    await producer.close()
  })

  /** Two groups that one broker coordinates, both asked for just now: whom the first belongs to changes with each election. */
  async function groupsOfOne() {
    const groups = new Map<number, string>()
    const pair = async () => {
      const groupToo = uniqueName('group')
      const node = await cluster.wire.nodeOf({ kind: 'group', group: groupToo })
      const group = groups.get(node)
      groups.set(node, groupToo)
      return group === undefined ? undefined : { node, group, groupToo }
    }
    return eventually(pair, { withinMs: 60_000, what: 'two groups that one broker coordinates' })
  }

  /** A broker that coordinates a group of each protocol, and a partition that it leads: after elections not every broker is one. */
  async function coordinatorThatLeads() {
    const deadline = performance.now() + 120_000
    for (;;) {
      const found = await groupsOfOne()
      const topic = topicOf(uniqueName('topic'), { value: json<number>() })
      await streams.admin.createTopic({ name: topic.name, partitions: 3 })
      // On a busy machine a broker may be out of the cluster for a moment: then it leads nothing, and no other may fail beside it.
      const { partitions } = await allInSync(topic.name)
      const led = partitions.find(({ leader }) => leader === found.node)
      if (led !== undefined) return { ...found, topic, partition: String(led.id) }
      assert.ok(performance.now() < deadline, `broker ${found.node} leads nothing`)
    }
  }

  async function allInSync(name: string): Promise<TopicLayout> {
    const layoutInSync = async () => {
      const layout = await cluster.wire.topic(name, { maxAgeMs: 0 })
      return layout.partitions.every(({ inSync }) => inSync.length === 3) ? layout : undefined
    }
    return eventually(layoutInSync, {
      withinMs: 150_000,
      what: `three replicas of '${name}' in sync`,
    })
  }

  for (const [fault, after] of [
    ['kill', RECORDS / 4],
    ['pause', RECORDS / 4],
    ['pause', 0],
  ] as const) {
    const when = after === 0 ? 'before all begins' : 'amid the work'
    // Above the sum of what is waited for below.
    const options = { timeout: 1_500_000 }
    test(
      `${fault} of the leader and coordinator ${when}: readers see each record once, groups none too early and none never`,
      options,
      async () => {
        const { node, group, groupToo, topic, partition } = await coordinatorThatLeads()
        const strike = () => brokers.broker(node)[fault]()
        if (after === 0) await strike()
        const producer = streams.producer()
        const read: number[] = []
        const reading = (async () => {
          for await (const batch of streams.read(topic, { partitions: [partition] })) {
            for (const record of batch) read.push(record.value as number)
            if (read.length >= RECORDS) return
          }
        })()
        const groups = [
          new ConsumedTwice(streams, group, topic, partition),
          new ConsumedTwice(newer, groupToo, topic, partition),
        ]
        const told = () =>
          `${read.length} are read, ${groups.map(({ count }) => count)} handled, of ${RECORDS}`
        const send = (i: number) => producer.send(topic, i, { partition })
        for (let i = 0; i < after; i++) await send(i)
        await eventually(() => read.length === after && groups.every(({ count }) => count === after), {
          withinMs: 30_000,
          what: () => `all are at work: ${told()}`,
        })
        const sends: Promise<unknown>[] = []
        for (let i = after; i < RECORDS; i++) {
          sends.push(send(i))
          if (after > 0 && i === 2 * after) await strike()
          if (i % 4 === 0) await wait(10)
        }
        await within(60_000, Promise.all(sends), 'all are sent')
        await within(40_000, reading, 'all are read')
        assert.deepEqual(
          read,
          Array.from({ length: RECORDS }, (_, i) => i),
        )
        for (const consumed of groups) await consumed.finish()
        await producer.close()
        await (fault === 'kill' ? brokers.broker(node).start() : brokers.broker(node).unpause())
        await allInSync(topic.name)
      },
    )
  }
})

/** A group of two members, and what it was given of a partition. */
class ConsumedTwice {
  readonly #streams: Streams
  readonly #group: string
  readonly #partition: string
  readonly #handled: number[] = []
  readonly #consumers
  readonly #running: Promise<void>[]

  constructor(streams: Streams, group: string, topic: TopicLike, partition: string) {
    this.#streams = streams
    this.#group = group
    this.#partition = partition
    this.#consumers = [0, 1].map(() =>
      streams.consumer({ group, topics: [topic], checkpoint: { intervalMs: 50 } }),
    )
    this.#running = this.#consumers.map((consumer) =>
      consumer.run({
        each: async (record) => {
          if (record.partition === partition) this.#handled.push(record.value as number)
        },
      }),
    )
  }

  /** Records that it was given, those that came again counted once. */
  get count(): number {
    return new Set(this.#handled).size
  }

  /** All of it was given, nothing ahead of what was before it, and all of it is checkpointed. */
  async finish(): Promise<void> {
    await eventually(() => this.count === RECORDS, {
      withinMs: 40_000,
      what: () => `${RECORDS} records in ${this.#group}, there are ${this.count}`,
    })
    let next = 0
    for (const value of this.#handled) {
      assert.ok(value <= next, `${value} came before ${next}`)
      next = Math.max(next, value + 1)
    }
    await within(
      20_000,
      Promise.all(this.#consumers.map((consumer) => consumer.close())),
      'consumers are closed',
    )
    await Promise.all(this.#running)
    const { partitions } = await this.#streams.groups.describeGroup(this.#group)
    const place = partitions.find(({ partition }) => partition === this.#partition)
    assert.deepEqual(place?.lag, { records: 0 })
  }
}

/** The nodes that Fetch requests go to. */
function spy(wire: KafkaWire, nodes: number[]): KafkaWire {
  return new Proxy(wire, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown
      if (typeof value !== 'function') return value
      if (name !== 'request') return value.bind(target)
      return (...args: Parameters<KafkaWire['request']>) => {
        const [to, { name: api }] = args
        if (api === 'Fetch' && to.kind === 'node') nodes.push(to.node)
        return target.request(...args)
      }
    },
  })
}
