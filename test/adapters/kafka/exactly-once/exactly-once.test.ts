import { setTimeout as sleep } from 'node:timers/promises'
import { getContainerRuntimeClient } from 'testcontainers'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { connect, json, type Streams, topic } from '../../../../src/index.ts'
import { quiet } from '../../../conformance/connection.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { kafkaAddress } from '../../../support/kafka/kafka-driver.ts'
import { type Broker, INSIDE_PORT, startBroker } from '../../../support/kafka/start-broker.ts'
import { Pipeline, type PipelineOrder, type Step } from './pipeline.ts'

const LONG = process.env.MILLRACE_LONG === '1'
const ROUNDS = LONG ? 200 : 10
/** So many records of each key come in each round. */
const PER_ROUND = 6
const PARTITIONS = 4
/** What the records of a round take at the least: a transaction, of four steps, holds no more than two or three sends to a partition. */
const LEAST_STEPS = PER_ROUND * 4
const KEYS = Array.from({ length: 20 }, (_, i) => `k${i}`)
const PIPELINES = 2

/** Small, repeatable random numbers. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

describe.runIf(inject('docker'))('a pipeline of transactions', () => {
  let broker: Broker
  let streams: Streams
  let running: Pipeline[] = []

  beforeAll(async () => {
    broker = await startBroker({
      environment: {
        // One that was killed is let in again when its session is over.
        KAFKA_BROKER_SESSION_TIMEOUT_MS: '2000',
        KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: '500',
      },
    })
    streams = (await connect(kafkaAddress(broker.address), { logger: quiet })) as unknown as Streams
  }, 120_000)
  afterAll(async () => {
    await Promise.all(running.map((pipeline) => pipeline.kill()))
    await streams?.close()
    await broker?.stop()
  }, 60_000)

  async function control() {
    const { container } = await getContainerRuntimeClient()
    return container.getById(broker.container.getId())
  }

  /**
   * What Apache's console consumer prints of the first `count` committed records, topic by topic in the order of each partition.
   * To count them ends it; the time-out is for a machine that has no time for it.
   */
  async function committedIn(order: PipelineOrder, count: number): Promise<Step[]> {
    const script = [
      '/opt/kafka/bin/kafka-console-consumer.sh',
      `--bootstrap-server localhost:${INSIDE_PORT}`,
      `--include '${order.outputs.join('|')}'`,
      '--isolation-level read_committed --from-beginning',
      `--max-messages ${count} --timeout-ms 60000 2>/dev/null`,
    ].join(' ')
    const { stdout } = await broker.container.exec(['bash', '-c', script])
    return stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
  }

  test(`gives each result once, in order per key, over ${ROUNDS} kills at random points`, {
    // Above the sum of what is waited for.
    timeout: 240_000 + ROUNDS * 60_000,
  }, async () => {
    const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000)
    console.log(`MILLRACE_SEED=${seed}`)
    const random = randomOf(seed)
    const input = topic('in', { value: json<Step>(), key: ({ key }) => key })
    const outputs = ['out-a', 'out-b']
    for (const name of [input.name, ...outputs])
      await streams.admin.createTopic({ name, partitions: PARTITIONS })
    const order: PipelineOrder = {
      address: kafkaAddress(broker.address),
      group: 'pipeline',
      input: 'in',
      outputs,
    }
    const container = await control()
    running = Array.from({ length: PIPELINES }, () => new Pipeline(order))
    const producer = streams.producer()
    const tally = { kills: 0, midTransaction: 0, committed: 0, failed: 0 }
    const said = () => running.reduce((sum, { steps }) => sum + steps, 0)
    const told = () =>
      running
        .map(({ steps, failures, stderr }) => `${steps} steps ${failures.join(', ')} ${stderr}`)
        .join('; ')

    /** One send after another: each is a batch of its own in each partition, and so at least one transaction. */
    async function feed(round: number): Promise<void> {
      for (let i = 0; i < PER_ROUND; i++) {
        const steps = KEYS.map((key) => ({ key, n: round * PER_ROUND + i }))
        await producer.sendBatch(input, steps)
      }
    }

    async function replace(i: number): Promise<void> {
      const victim = running[i]!
      await victim.kill()
      tally.kills++
      if (victim.open) tally.midTransaction++
      tally.committed += victim.committed
      tally.failed += victim.failures.length
      expect(victim.stderr).not.toContain('Error')
      running[i] = new Pipeline(order)
    }

    async function restart(how: 'restarted' | 'killed'): Promise<void> {
      if (how === 'restarted') return container.restart({ t: 20 })
      await container.kill({ signal: 'SIGKILL' })
      await container.start()
    }

    for (let round = 0; round < ROUNDS; round++) {
      const fed = feed(round)
      // It is awaited below; until then a failure is no unhandled one.
      fed.catch(() => {})
      const goal = said() + 1 + Math.floor(random() * LEAST_STEPS)
      await eventually(() => said() >= goal, {
        withinMs: 45_000,
        what: () => `step ${goal} in round ${round}: ${told()}`,
      })
      // Each third time the broker goes as well, and the pipeline a little before or after.
      const how = random() < 0.5 ? 'restarted' : 'killed'
      const victim = Math.floor(random() * PIPELINES)
      await Promise.all([
        sleep(random() * 20).then(() => replace(victim)),
        round % 3 === 1 ? restart(how) : undefined,
      ])
      await fed
    }

    const caughtUp = async () => {
      const { partitions } = await streams.groups.describeGroup(order.group)
      return partitions.length === PARTITIONS && partitions.every(({ lag }) => lag.records === 0)
    }
    await eventually(caughtUp, {
      withinMs: 90_000,
      what: () => `everything is committed: ${told()}`,
    })
    // The last of each partition: with one result too many, not all of these would be among so many records.
    const ends = outputs.flatMap((name) =>
      Array.from({ length: PARTITIONS }, (_, partition) => ({ name, partition: String(partition) })),
    )
    for (const { name, partition } of ends) {
      const end: Step = { key: 'end', n: Number(partition), topic: name }
      await producer.send(topic(name, { value: json<Step>() }), end, { partition })
    }
    const each = ROUNDS * PER_ROUND
    const printed = await committedIn(order, each * KEYS.length * outputs.length + ends.length)
    const found = printed.filter(({ key }) => key !== 'end')
    expect(printed.length - found.length).toBe(ends.length)
    const byKey = new Map<string, number[]>()
    for (const { topic, key, n } of found) {
      const list = byKey.get(`${topic}/${key}`) ?? []
      byKey.set(`${topic}/${key}`, list)
      list.push(n)
    }
    for (const output of outputs) {
      for (const key of KEYS) {
        expect([output, key, byKey.get(`${output}/${key}`)]).toEqual([
          output,
          key,
          Array.from({ length: each }, (_, n) => n),
        ])
      }
    }
    console.log(`${found.length} results; the killed pipelines: ${JSON.stringify(tally)}`)
    await producer.close()
  })
})
