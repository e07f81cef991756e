import { getContainerRuntimeClient } from 'testcontainers'
import { openKafka } from '../../../../adapters/kafka/index.ts'
import type { Driver } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import { eventually } from '../../../conformance/eventually.ts'
import type { Backend } from '../../../conformance/index.ts'
import { kafkaAddress } from '../../../support/kafka/kafka-driver.ts'
import { type Broker, startBroker } from '../../../support/kafka/start-broker.ts'
import { TestCluster } from './test-cluster.ts'

/** A broker of its own: a case of the suite kills it. `parameters` are those of the address. */
export async function kafkaBackend(parameters: Readonly<Record<string, string>> = {}): Promise<Backend> {
  const broker = await startBroker({
    environment: {
      // The suite sends times of 1970 and of tomorrow, and says itself when retention is to come.
      KAFKA_LOG_MESSAGE_TIMESTAMP_AFTER_MAX_MS: '9223372036854775807',
      KAFKA_LOG_RETENTION_CHECK_INTERVAL_MS: '3600000',
      // Sessions of 250 ms are lost to pauses of a busy machine that says nothing about members.
      KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '1000',
      KAFKA_LOG_INITIAL_TASK_DELAY_MS: '3600000',
    },
  })
  const address = kafkaAddress(broker.address, parameters)
  const cluster = await TestCluster.open(broker.address)
  return {
    openDriver: () => openKafka(address, { logger: quiet }),
    child: {
      module: new URL('../../../../adapters/kafka/index.ts', import.meta.url).href,
      factory: 'openKafka',
      address,
    },
    faults: {
      /** What retention does, at the moment that the case wants: the log's start moves behind all there is. */
      async expire(topic) {
        const { partitions } = await cluster.wire.topic(topic, { maxAgeMs: 0 })
        for (const { id } of partitions) await cluster.dropBefore(topic, id, -1)
      },
      // The cleaner leaves the newest segment alone: nearly every batch begins one.
      compacting: { settings: { 'segment.ms': '1', 'min.cleanable.dirty.ratio': '0' } },
      async compact(topic) {
        const driver = await openKafka(address, { logger: quiet })
        try {
          // Of so many written; the cleaner may have begun already.
          const { partitions } = await driver.admin.describeTopic(topic)
          const written = partitions.reduce((sum, { latest }) => sum + Number(latest), 0)
          await eventually(async () => (await countOf(driver, topic)) < written, {
            what: `${topic} is compacted`,
          })
        } finally {
          await driver.close()
        }
      },
      loseServer: () => killAndRestart(broker),
      crash: (driver) => driver.close(),
    },
    async close() {
      await cluster.close()
      await broker.stop()
    },
  }
}

async function killAndRestart(broker: Broker): Promise<void> {
  const { container } = await getContainerRuntimeClient()
  const killed = container.getById(broker.container.getId())
  await killed.kill({ signal: 'SIGKILL' })
  await eventually(async () => !(await killed.inspect()).State.Running, { what: 'the broker is gone' })
  // It comes back by itself, as under any supervisor.
  await killed.start()
}

async function countOf(driver: Driver, topic: string): Promise<number> {
  const { partitions } = await driver.admin.describeTopic(topic)
  let count = 0
  for (const { id } of partitions) {
    const reader = await driver.openReader({
      topic,
      partition: id,
      start: { from: 'earliest' },
      until: 'now',
    })
    const signal = new AbortController().signal
    for (;;) {
      const batch = await reader.next({ maxBytes: 1 << 20, signal })
      if (batch === null) break
      count += batch.count
    }
    await reader.close()
  }
  return count
}
