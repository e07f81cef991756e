import net from 'node:net'
import { readByTopic, writeByTopic } from '../../../adapters/kafka/wire/protocol/by-topic.ts'
import { describeConfigs } from '../../../adapters/kafka/wire/protocol/describe-configs.ts'
import { initProducerId } from '../../../adapters/kafka/wire/protocol/init-producer-id.ts'
import { produce } from '../../../adapters/kafka/wire/protocol/produce.ts'
import { WireReader } from '../../../adapters/kafka/wire/wire-reader.ts'
import { WireWriter } from '../../../adapters/kafka/wire/wire-writer.ts'
import { FakeCluster } from '../../adapters/kafka/producing/fake-cluster.ts'

/** What a broker does with a Produce request. */
export type Conduct =
  | 'serve'
  /** Writes nothing and answers NOT_ENOUGH_REPLICAS for each partition: worth another try. */
  | 'refuse'
  /** Writes, says nothing, and hangs up after `HANG_MS`. */
  | 'hang'

export const HANG_MS = 1_500
const NOT_ENOUGH_REPLICAS = 19
const API_VERSIONS = 18
const METADATA = 3
/** Up to what both kafkajs and this adapter speak; each takes the highest that it knows. */
const MAX_VERSIONS = [
  [produce.key, 8],
  [METADATA, 10],
  [API_VERSIONS, 2],
  [initProducerId.key, 4],
  [describeConfigs.key, 3],
] as const

interface Header {
  readonly key: number
  readonly version: number
}

/** Brokers 1, 2 and so on over the cluster in memory, on sockets: any library can produce to them. */
export class SocketBrokers {
  readonly cluster: FakeCluster
  /** Asked for each Produce request. */
  conduct: (node: number) => Conduct = () => 'serve'
  readonly #servers: net.Server[] = []
  readonly #sockets = new Set<net.Socket>()

  private constructor(cluster: FakeCluster) {
    this.cluster = cluster
  }

  /** One topic, `t`; `leaders[p]` leads partition p. */
  static async start(nodes: number, leaders: readonly number[]): Promise<SocketBrokers> {
    const brokers = new SocketBrokers(new FakeCluster('t', leaders.length))
    for (const [i, leader] of leaders.entries()) brokers.cluster.partitions[i]!.leader = leader
    for (let node = 1; node <= nodes; node++) {
      const server = net.createServer((socket) => brokers.#serve(node, socket))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      brokers.#servers.push(server)
    }
    return brokers
  }

  get addresses(): string[] {
    return this.#servers.map((_, i) => `127.0.0.1:${this.#port(i)}`)
  }

  /** The values of each partition, in order. */
  logs(): string[][] {
    return this.cluster.partitions.map(({ log }) => log.map(({ value }) => value))
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }

  #port(i: number): number {
    return (this.#servers[i]!.address() as net.AddressInfo).port
  }

  #serve(node: number, socket: net.Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    let received: Buffer = Buffer.alloc(0)
    let turn = Promise.resolve()
    socket.on('data', (data) => {
      received = Buffer.concat([received, data])
      while (received.length >= 4 && received.length >= 4 + received.readInt32BE()) {
        const end = 4 + received.readInt32BE()
        const reader = new WireReader(received.subarray(4, end))
        received = received.subarray(end)
        turn = turn
          .then(() => this.#answer(node, socket, reader))
          .catch((error) => {
            socket.destroy(error)
          })
      }
    })
  }

  async #answer(node: number, socket: net.Socket, from: WireReader): Promise<void> {
    const header: Header = { key: from.int16(), version: from.int16() }
    const correlationId = from.int32()
    from.nullableString()
    const flexible =
      (header.key === METADATA && header.version >= 9) ||
      (header.key === initProducerId.key && header.version >= 2)
    if (flexible) from.tags()
    const to = new WireWriter().int32(correlationId)
    if (flexible) to.tags()
    if (!(await this.#carryOut(node, header, from, to))) {
      setTimeout(() => socket.destroy(), HANG_MS)
      return
    }
    const length = Buffer.alloc(4)
    length.writeInt32BE(to.size)
    socket.write(Buffer.concat([length, ...to.chunks()]))
  }

  /** False where no answer is to be given. */
  async #carryOut(
    node: number,
    { key, version }: Header,
    from: WireReader,
    to: WireWriter,
  ): Promise<boolean> {
    switch (key) {
      case produce.key:
        return this.#produce(node, version, from, to)
      case API_VERSIONS:
        to.int16(0).array(MAX_VERSIONS, ([api, max]) => to.int16(api).int16(0).int16(max))
        to.int32(0)
        return true
      case METADATA:
        if (version >= 9) this.#metadata10(to)
        else this.#metadata6(to)
        return true
      case initProducerId.key: {
        const request = {
          transactionalId: null,
          transactionTimeoutMs: 0,
          producerId: -1,
          producerEpoch: -1,
        }
        const answer = await this.cluster.request({ kind: 'any' }, initProducerId, request)
        to.int32(0).int16(0).int64(answer.producerId).int16(answer.producerEpoch)
        if (version >= 2) to.tags()
        return true
      }
      case describeConfigs.key:
        // All as the broker has it.
        to.int32(0).array([this.cluster.topicName], (topic) => {
          to.int16(0).string(null).int8(2).string(topic)
          to.array([], () => {})
        })
        return true
      default:
        throw new Error(`these brokers have no api ${key}`)
    }
  }

  async #produce(node: number, version: number, from: WireReader, to: WireWriter): Promise<boolean> {
    from.nullableString()
    const acks = from.int16() as -1 | 1
    const timeoutMs = from.int32()
    const partitions = readByTopic(from, () => ({ partition: from.int32(), batch: from.bytes()! }))
    const conduct = this.conduct(node)
    const refused = partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      errorCode: NOT_ENOUGH_REPLICAS,
      errorMessage: null,
      baseOffset: -1,
      appendTime: -1,
      logStart: 0,
    }))
    const request = { transactionalId: null, acks, timeoutMs, partitions }
    const answer =
      conduct === 'refuse' ? refused : await this.cluster.request({ kind: 'node', node }, produce, request)
    if (conduct === 'hang') return false
    writeByTopic(to, answer, ({ partition, errorCode, baseOffset }) => {
      to.int32(partition).int16(errorCode).int64(baseOffset).int64(-1).int64(0)
      if (version >= 8) to.array([], () => {}).string(null)
    })
    to.int32(0)
    return true
  }

  #metadata6(to: WireWriter): void {
    to.int32(0).array(this.#servers, (server) => {
      const i = this.#servers.indexOf(server)
      to.int32(i + 1)
        .string('127.0.0.1')
        .int32(this.#port(i))
        .string(null)
    })
    to.string('fake').int32(1)
    to.array([this.cluster.topicName], (name) => {
      to.int16(0).string(name).boolean(false)
      to.array([...this.cluster.partitions.entries()], ([id, { leader }]) => {
        to.int16(0).int32(id).int32(leader)
        for (const nodes of [[leader], [leader], []]) to.array(nodes, (each) => to.int32(each))
      })
    })
  }

  #metadata10(to: WireWriter): void {
    to.int32(0).compactArray(this.#servers, (server) => {
      const i = this.#servers.indexOf(server)
      to.int32(i + 1)
        .compactString('127.0.0.1')
        .int32(this.#port(i))
        .compactString(null)
        .tags()
    })
    to.compactString('fake').int32(1)
    to.compactArray([this.cluster.topicName], (name) => {
      to.int16(0).compactString(name).uuid('a'.repeat(32)).boolean(false)
      to.compactArray([...this.cluster.partitions.entries()], ([id, { leader, leaderEpoch }]) => {
        to.int16(0).int32(id).int32(leader).int32(leaderEpoch)
        for (const nodes of [[leader], [leader], []]) to.compactArray(nodes, (each) => to.int32(each))
        to.tags()
      })
      to.int32(0).tags()
    })
    to.tags()
  }
}
