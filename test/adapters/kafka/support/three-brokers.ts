import { GenericContainer, getContainerRuntimeClient, type StartedTestContainer, Wait } from 'testcontainers'
import { freePort, KAFKA_IMAGE, KAFKA_LABEL } from '../../../support/kafka/start-broker.ts'

export interface ThreeBrokers {
  /** `host:port,host:port,host:port`, of nodes 1, 2 and 3, in racks r1, r2 and r3. */
  readonly addresses: string
  /** `kill -9`. */
  kill(node: number): Promise<void>
  restart(node: number): Promise<void>
  /** Frozen: it keeps its connections and does not answer. */
  pause(node: number): Promise<void>
  unpause(node: number): Promise<void>
  stop(): Promise<void>
}

/**
 * Three brokers that are controllers too, replication 3 and min.insync 2, dead to each other after 4 s. On the host's network, so
 * that they and the clients know them by the same addresses.
 */
export async function startThreeBrokers(): Promise<ThreeBrokers> {
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  const nodes = [1, 2, 3]
  const ports = await Promise.all(nodes.map(freePort))
  const controllers = await Promise.all(nodes.map(freePort))
  const voters = nodes.map((node, i) => `${node}@127.0.0.1:${controllers[i]}`).join(',')
  const started: StartedTestContainer[] = await Promise.all(
    nodes.map((node, i) =>
      new GenericContainer(KAFKA_IMAGE)
        .withLabels({ [KAFKA_LABEL]: String(process.pid) })
        .withNetworkMode('host')
        .withEnvironment({
          KAFKA_NODE_ID: String(node),
          KAFKA_PROCESS_ROLES: 'broker,controller',
          KAFKA_LISTENERS: `PLAINTEXT://127.0.0.1:${ports[i]},CONTROLLER://127.0.0.1:${controllers[i]}`,
          KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${ports[i]}`,
          KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
          KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
          KAFKA_CONTROLLER_QUORUM_VOTERS: voters,
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
          KAFKA_BROKER_SESSION_TIMEOUT_MS: '4000',
          KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: '500',
          KAFKA_REPLICA_LAG_TIME_MAX_MS: '2000',
          // A controller that is frozen holds up the other brokers for so long, by default 30 s: they have no producer ids meanwhile.
          KAFKA_CONTROLLER_SOCKET_TIMEOUT_MS: '3000',
          KAFKA_HEAP_OPTS: '-Xms192m -Xmx384m',
        })
        .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
        .withStartupTimeout(120_000)
        .start(),
    ),
  )
  const { container } = await getContainerRuntimeClient()
  const at = (node: number) => container.getById(started[node - 1]!.getId())
  return {
    addresses: ports.map((port) => `127.0.0.1:${port}`).join(','),
    kill: (node) => at(node).kill({ signal: 'SIGKILL' }),
    restart: (node) => at(node).start(),
    // Docker's own pause fails now and then where the machine is busy ("unable to freeze", of the kernel's freezer).
    pause: (node) => at(node).kill({ signal: 'SIGSTOP' }),
    unpause: (node) => at(node).kill({ signal: 'SIGCONT' }),
    async stop() {
      // Also of those that were killed or paused.
      await Promise.all(nodes.map((node) => at(node).remove({ force: true, v: true })))
    },
  }
}
