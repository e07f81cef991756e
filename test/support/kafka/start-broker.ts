import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers'
import { freePort } from './free-port.ts'

/** `MILLRACE_KAFKA_IMAGE` runs the same tests on another version: `apache/kafka:3.9.1`. */
export const KAFKA_IMAGE = process.env.MILLRACE_KAFKA_IMAGE ?? 'apache/kafka:4.2.0'
/** What containers of the tests are known by, so that leftovers of killed runs are found. */
export const KAFKA_LABEL = 'millrace.tests.kafka'

/** What Apache's own tools in the container reach the broker by: `localhost:19091`. */
export const INSIDE_PORT = 19_091

export interface BrokerOptions {
  /** Default: `KAFKA_IMAGE`. */
  readonly image?: string
  /** Beside those of the one plain broker. */
  readonly environment?: Readonly<Record<string, string>>
  /** More listeners, each on a port of its own: protocols (`SASL_SSL` and so on) by name. Default: plain alone. */
  readonly listeners?: Readonly<Record<string, string>>
  readonly files?: readonly { readonly content: string; readonly target: string }[]
}

export interface Broker {
  /** `host:port` of the plain listener. */
  readonly address: string
  /** `host:port` by the listener's name. */
  readonly addresses: Readonly<Record<string, string>>
  readonly container: StartedTestContainer
  stop(): Promise<void>
}

/** One broker, in about 3 s, with what tests cannot wait for made quick: clean-up, retention, groups. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  // The image that ends containers after a crash need not be fetched: leftovers are found by their label.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  const protocols = { PLAINTEXT: 'PLAINTEXT', ...options.listeners }
  const names = Object.keys(protocols)
  const ports = await Promise.all(names.map(freePort))
  // The same port inside as outside: the broker talks to itself by the address that clients are told (KIP-890 does so for each
  // transaction).
  const inside = (i: number): number => ports[i]!
  const container = new GenericContainer(options.image ?? KAFKA_IMAGE)
    .withLabels({ [KAFKA_LABEL]: String(process.pid) })
    .withExposedPorts(...ports.map((host, i) => ({ container: inside(i), host })))
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_LISTENERS: [
        ...names.map((name, i) => `${name}://:${inside(i)}`),
        `INSIDE://:${INSIDE_PORT}`,
        'CONTROLLER://:9093',
      ].join(','),
      KAFKA_ADVERTISED_LISTENERS: [
        ...names.map((name, i) => `${name}://127.0.0.1:${ports[i]}`),
        `INSIDE://localhost:${INSIDE_PORT}`,
      ].join(','),
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: [
        'CONTROLLER:PLAINTEXT',
        'INSIDE:PLAINTEXT',
        ...Object.entries(protocols).map(([name, protocol]) => `${name}:${protocol}`),
      ].join(','),
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'PLAINTEXT',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '4',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '4',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS: '500',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '100',
      KAFKA_GROUP_CONSUMER_MIN_SESSION_TIMEOUT_MS: '1000',
      KAFKA_GROUP_CONSUMER_SESSION_TIMEOUT_MS: '1500',
      KAFKA_GROUP_CONSUMER_MIN_HEARTBEAT_INTERVAL_MS: '100',
      KAFKA_GROUP_CONSUMER_HEARTBEAT_INTERVAL_MS: '100',
      KAFKA_LOG_INITIAL_TASK_DELAY_MS: '500',
      KAFKA_LOG_RETENTION_CHECK_INTERVAL_MS: '500',
      KAFKA_LOG_CLEANER_BACKOFF_MS: '200',
      KAFKA_HEAP_OPTS: '-Xms256m -Xmx512m',
      ...options.environment,
    })
    .withCopyContentToContainer((options.files ?? []).map(({ content, target }) => ({ content, target })))
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(120_000)
  const started = await container.start()
  return {
    address: `127.0.0.1:${ports[0]}`,
    addresses: Object.fromEntries(names.map((name, i) => [name, `127.0.0.1:${ports[i]}`])),
    container: started,
    async stop() {
      await started.stop({ timeout: 1_000 })
    },
  }
}
