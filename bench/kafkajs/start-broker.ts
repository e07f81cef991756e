import net from 'node:net'
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers'

export const KAFKA_IMAGE = 'apache/kafka:4.2.0'

export interface Broker extends AsyncDisposable {
  /** `host:port` */
  readonly address: string
  /** The same address is good inside this container. */
  readonly container: string
}

/** Why there is no broker to be had; undefined where Docker answers. */
export async function brokerProblem(): Promise<string | undefined> {
  try {
    await getContainerRuntimeClient()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/**
 * One broker as its image is configured, but for groups that begin at once, and `own`. It shares this machine's cores, and on Linux its network: a
 * port that Docker forwards is a process that copies, between the broker and all clients but Apache's tools, which run beside it.
 */
export async function startBroker(own: Readonly<Record<string, string>> = {}): Promise<Broker> {
  // The container is stopped here; the image that would do it after a crash need not be fetched.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  const [port, controller] = [await freePort(), await freePort()]
  const image = new GenericContainer(KAFKA_IMAGE)
  const host = process.platform === 'linux' ? '127.0.0.1' : ''
  if (host === '') image.withExposedPorts({ container: port, host: port })
  else image.withNetworkMode('host')
  const container = await image
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_LISTENERS: `PLAINTEXT://${host}:${port},CONTROLLER://${host}:${controller}`,
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
      KAFKA_CONTROLLER_QUORUM_VOTERS: `1@127.0.0.1:${controller}`,
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      ...own,
    })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(120_000)
    .start()
  const interrupted = (): void => {
    void container.stop({ timeout: 1_000 }).finally(() => process.exit(130))
  }
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  return {
    address: `127.0.0.1:${port}`,
    container: container.getId(),
    async [Symbol.asyncDispose]() {
      process.off('SIGINT', interrupted)
      process.off('SIGTERM', interrupted)
      await container.stop({ timeout: 1_000 })
    },
  }
}

/** The port must be known before the broker starts: it tells clients where it is. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })
}
