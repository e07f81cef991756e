import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers'
import { freePort } from './free-port.ts'
import { KAFKA_IMAGE, KAFKA_LABEL } from './start-broker.ts'
import { TcpProxy } from './tcp-proxy.ts'

export interface ClusterBroker {
  readonly node: number
  /** Between the clients and this broker, to cut the network between them; the other brokers reach it directly. */
  readonly proxy: TcpProxy
  /** `kill -9`. */
  kill(): Promise<void>
  /** After a kill. Resolves when its process has begun, not when it serves. */
  start(): Promise<void>
  /** As an operator does it: the broker hands over its partitions first. */
  restart(): Promise<void>
  /** Frozen: it keeps its connections and does not answer. */
  pause(): Promise<void>
  unpause(): Promise<void>
}

export interface Cluster {
  /** `host:port,host:port,host:port`, of nodes 1, 2 and 3, in racks r1, r2 and r3. */
  readonly addresses: string
  broker(node: number): ClusterBroker
  stop(): Promise<void>
}

export interface ClusterOptions {
  /** Clients are told the addresses of the proxies. Default: of the brokers themselves. */
  readonly proxied?: boolean
}

const NODES = [1, 2, 3]

interface Ports {
  readonly clients: number
  readonly brokers: number
  readonly controller: number
  readonly proxy: number
}

/**
 * Three brokers that are controllers too, with topics of replication factor 3 and two replicas in sync at least, dead to each other after 4 s. On
 * the host's network, so that they and the clients know them by the same addresses.
 */
export async function startCluster({ proxied = false }: ClusterOptions = {}): Promise<Cluster> {
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  const ports = await Promise.all(
    NODES.map(
      async (): Promise<Ports> => ({
        clients: await freePort(),
        brokers: await freePort(),
        controller: await freePort(),
        proxy: await freePort(),
      }),
    ),
  )
  const brokers = await Promise.all(NODES.map((_, i) => startNode(i, ports, proxied)))
  return {
    addresses: ports.map(({ clients, proxy }) => `127.0.0.1:${proxied ? proxy : clients}`).join(','),
    broker: (node) => brokers[node - 1]!,
    async stop() {
      await Promise.all(brokers.map((broker) => broker.remove()))
    },
  }
}

async function startNode(
  i: number,
  ports: readonly Ports[],
  proxied: boolean,
): Promise<ClusterBroker & { remove(): Promise<void> }> {
  const node = NODES[i]!
  const own = ports[i]!
  const started = await new GenericContainer(KAFKA_IMAGE)
    .withLabels({ [KAFKA_LABEL]: String(process.pid) })
    .withNetworkMode('host')
    .withEnvironment({
      KAFKA_NODE_ID: String(node),
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_LISTENERS: listeners(own.clients, own.brokers, own.controller),
      KAFKA_ADVERTISED_LISTENERS: listeners(proxied ? own.proxy : own.clients, own.brokers),
      KAFKA_INTER_BROKER_LISTENER_NAME: 'INTERNAL',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT',
      KAFKA_CONTROLLER_QUORUM_VOTERS: NODES.map(
        (each, j) => `${each}@127.0.0.1:${ports[j]!.controller}`,
      ).join(','),
      KAFKA_BROKER_RACK: `r${node}`,
      KAFKA_REPLICA_SELECTOR_CLASS: 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_DEFAULT_REPLICATION_FACTOR: '3',
      KAFKA_MIN_INSYNC_REPLICAS: '2',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '3',
      KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '3',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '3',
      KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS: '3',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '2',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '100',
      // Followers that stop are left behind after 2 s, and dead brokers after 4, so that tests need not wait longer.
      KAFKA_REPLICA_LAG_TIME_MAX_MS: '2000',
      KAFKA_BROKER_SESSION_TIMEOUT_MS: '4000',
      KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: '500',
      // A controller that is frozen holds up the other brokers for so long, by default 30 s: they have no producer ids meanwhile.
      KAFKA_CONTROLLER_SOCKET_TIMEOUT_MS: '3000',
      KAFKA_HEAP_OPTS: '-Xms192m -Xmx384m',
    })
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .withStartupTimeout(120_000)
    .start()
  const { container: client } = await getContainerRuntimeClient()
  const handle = client.getById(started.getId())
  const proxy = await TcpProxy.listen(own.proxy, own.clients)
  return {
    node,
    proxy,
    kill: () => handle.kill({ signal: 'SIGKILL' }),
    start: () => handle.start(),
    restart: () => handle.restart({ t: 20 }),
    // Docker's own pause fails now and then where the machine is busy ("unable to freeze", of the kernel's freezer).
    pause: () => handle.kill({ signal: 'SIGSTOP' }),
    unpause: () => handle.kill({ signal: 'SIGCONT' }),
    async remove() {
      await proxy.close()
      // Also one that was killed or paused.
      await handle.remove({ force: true, v: true })
    },
  }
}

const listeners = (clients: number, brokers: number, controller?: number): string =>
  [
    `PLAINTEXT://127.0.0.1:${clients}`,
    `INTERNAL://127.0.0.1:${brokers}`,
    ...(controller === undefined ? [] : [`CONTROLLER://127.0.0.1:${controller}`]),
  ].join(',')
