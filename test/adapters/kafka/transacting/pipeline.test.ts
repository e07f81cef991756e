import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { getContainerRuntimeClient } from 'testcontainers'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { openKafka } from '../../../../adapters/kafka/index.ts'
import type { Driver, EncodedRecord } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import { type Broker, INSIDE_PORT, startBroker } from '../../../support/kafka/start-broker.ts'

const LONG = process.env.MILLRACE_LONG === '1'
const KILLS = LONG ? 200 : 10
/** Records sent with each kill, in calls of so many, each of which becomes batches of its own. */
const PER_KILL = 120
const PER_SEND = 6
const RECORDS = KILLS * PER_KILL
const PARTITIONS = 3
const KEYS = 30
const OUTPUTS = ['pipe-out-a', 'pipe-out-b']

/** https://en.wikipedia.org/wiki/Linear_congruential_generator, with the numbers of Numerical Recipes. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

describe.runIf(inject('docker'))('consume, transform and produce', () => {
  let broker: Broker
  let driver: Driver
  const children: ChildProcess[] = []
  beforeAll(async () => {
    broker = await startBroker()
    driver = await openKafka(`kafka://${broker.address}`, { logger: quiet })
  })
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await driver?.close()
    await broker?.stop()
  })

  /** A process, and a promise of its next finished transaction. */
  function pipe(): { child: ChildProcess; advanced: () => Promise<unknown> } {
    const script = path.join(import.meta.dirname, 'pipe-child.ts')
    const args = [script, `kafka://${broker.address}`, 'pipe', 'pipe-in', ...OUTPUTS]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    return { child, advanced: () => new Promise((resolve) => child.stdout?.once('data', resolve)) }
  }

  async function restartBroker(): Promise<void> {
    const { container } = await getContainerRuntimeClient()
    const handle = container.getById(broker.container.getId())
    await handle.kill({ signal: 'SIGKILL' })
    await handle.start()
  }

  async function committed(): Promise<number> {
    const { partitions } = await driver.groups.describeGroup('pipe')
    return partitions.reduce((sum, { position }) => sum + Number(position ?? 0), 0)
  }

  test(
    `killed ${KILLS} times, and the broker with it, gives each result exactly once and in order per key`,
    async () => {
      await driver.admin.createTopic({ name: 'pipe-in', partitions: PARTITIONS })
      for (const name of OUTPUTS) await driver.admin.createTopic({ name, partitions: PARTITIONS })
      const producer = await driver.openProducer({ clientId: 'pipe' })
      const inputs = Array.from({ length: RECORDS }, (_, i): EncodedRecord => {
        const [key, value] = [`k${i % KEYS}`, `k${i % KEYS}:${i}`]
        return {
          key: Buffer.from(key),
          value: Buffer.from(value),
          headers: [],
          timestamp: undefined,
          partition: undefined,
        }
      })
      const refused: unknown[] = []
      const next = random(42)
      const pipes = [pipe(), pipe()]
      let inTheMiddle = 0
      for (let kill = 1; kill <= KILLS; kill++) {
        const at = Math.floor(next() * pipes.length)
        const advanced = Promise.race([...pipes.map((each) => each.advanced()), sleep(10_000)])
        for (let i = 0; i < PER_KILL; i += PER_SEND) {
          const from = (kill - 1) * PER_KILL + i
          void producer
            .send('pipe-in', inputs.slice(from, from + PER_SEND))
            .catch((error) => refused.push(error))
        }
        // Not before something was done since the last one; then at any moment.
        await advanced
        await sleep(next() * 20)
        pipes[at]!.child.kill('SIGKILL')
        if ((await committed().catch(() => 0)) < kill * PER_KILL) inTheMiddle++
        pipes[at] = pipe()
        if (kill % 5 === 0) await restartBroker()
      }
      await producer.close(30_000)
      expect(refused).toEqual([])
      expect(inTheMiddle).toBeGreaterThan(KILLS / 2)
      await expect
        .poll(() => committed().catch(() => 0), { timeout: 120_000, interval: 500 })
        .toBeGreaterThanOrEqual(RECORDS)
      for (const { child } of pipes) child.kill('SIGKILL')

      for (const output of OUTPUTS) {
        const command =
          `/opt/kafka/bin/kafka-console-consumer.sh --bootstrap-server localhost:${INSIDE_PORT} --topic ${output} ` +
          '--from-beginning --isolation-level read_committed --timeout-ms 8000'
        const { stdout } = await broker.container.exec(['bash', '-c', command])
        const results = stdout.trim().split('\n')
        const expected = inputs.map(({ value }) => `seen ${Buffer.from(value!).toString()}`)
        expect(results.toSorted()).toEqual(expected.toSorted())
        const perKey = Map.groupBy(results, (result) => result.split(':')[0])
        for (const [, each] of perKey) {
          const numbers = each.map((result) => Number(result.split(':')[1]))
          expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
        }
      }
    },
    180_000 + KILLS * 10_000,
  )
})
