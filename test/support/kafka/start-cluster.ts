import {
  GenericContainer,
  getContainerRuntimeClient,
  Network,
  type StartedNetwork,
  type StartedTestContainer,
  Wait,
} from 'testcontainers'
import { freePort, KAFKA_IMAGE, KAFKA_LABEL } from './start-broker.ts'
import { TcpProxy } from './tcp-proxy.ts'

export interface ClusterBroker {
  readonly node: number
  readonly container: StartedTestContainer
  /** Between the clients and this broker; the other brokers reach it directly. */
  readonly proxy: TcpProxy
  kill(): Promise<void>
  /** As an operator does it: the broker hands over its partitions first. */
  restart(): Promise<void>
  start(): Promise<void>
  pause(): Promise<void>
  unpause(): Promise<void>
}

export interface Cluster {
  /** `host:port,host:port,host:port`, by way of the proxies. */
  readonly address: string
  readonly brokers: readonly ClusterBroker[]
  stop(): Promise<void>
}

const NODES = [1, 2, 3]

/** Three brokers, which are their own controllers, with topics of replication factor 3 and two replicas in sync at least. */
export async function startCluster(): Promise<Cluster> {
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  const network = await new Network().start()
  try {
    const brokers = await Promise.all(NODES.map((node) => startNode(node, network)))
    return {
      address: brokers.map(({ proxy }) => `127.0.0.1:${proxy.port}`).join(','),
      brokers,
      async stop() {
        await Promise.allSettled(
          brokers.map(async ({ proxy, container, unpause }) => {
            await proxy.close()
            await unpause().catch(() => {})
            await container.stop({ timeout: 0 })
          }),
        )
        await network.stop()
      },
    }
  } catch (error) {
    await network.stop().catch(() => {})
    throw error
  }
}

async function startNode(node: number, network: StartedNetwork): Promise<ClusterBroker> {
  const [hostPort, proxyPort] = [await freePort(), await freePort()]
  const container = await new GenericContainer(KAFKA_IMAGE)
    .withLabels({ [KAFKA_LABEL]: String(process.pid) })
    .withNetwork(network)
    .withNetworkAliases(`kafka${node}`)
    .withExposedPorts({ container: 19_092, host: hostPort })
    .withEnvironment({
      KAFKA_NODE_ID: String(node),
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_LISTENERS: 'PLAINTEXT://:19092,INTERNAL://:19094,CONTROLLER://:9093',
      KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${proxyPort},INTERNAL://kafka${node}:19094`,
      KAFKA_INTER_BROKER_LISTENER_NAME: 'INTERNAL',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT',
      KAFKA_CONTROLLER_QUORUM_VOTERS: NODES.map((each) => `${each}@kafka${each}:9093`).join(','),
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_DEFAULT_REPLICATION_FACTOR: '3',
      KAFKA_MIN_INSYNC_REPLICAS: '2',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '3',
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '3',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '3',
      KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '3',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '2',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      // Followers that stop are left behind after 2 s, and dead brokers after 4, so that tests need not wait longer.
      KAFKA_REPLICA_LAG_TIME_MAX_MS: '2000',
      KAFKA_BROKER_SESSION_TIMEOUT_MS: '4000',
      KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: '500',
      KAFKA_HEAP_OPTS: '-Xms256m -Xmx384m',
    })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(120_000)
    .start()
  const { container: client } = await getContainerRuntimeClient()
  const handle = client.getById(container.getId())
  return {
    node,
    container,
    proxy: await TcpProxy.listen(proxyPort, hostPort),
    kill: () => handle.kill({ signal: 'SIGKILL' }),
    restart: () => handle.restart({ t: 20 }),
    start: () => handle.start(),
    // Docker's own pause fails now and then where the machine is busy ("unable to freeze", of the kernel's freezer).
    pause: () => handle.kill({ signal: 'SIGSTOP' }),
    unpause: () => handle.kill({ signal: 'SIGCONT' }),
  }
}
