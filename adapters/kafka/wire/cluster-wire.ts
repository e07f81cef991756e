import { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import { ClusterView, topicError } from './cluster-view.ts'
import type { BrokerConnection, Connector } from './connector.ts'
import { errorOf, KafkaError } from './error-codes.ts'
import { findCoordinator } from './protocol/find-coordinator.ts'
import { type MetadataResponse, metadata } from './protocol/metadata.ts'
import type { ConnectionSettings } from './settings.ts'
import type { Api, BrokerInfo, BrokerRef, KafkaWire, RequestOptions, TopicLayout } from './wire.ts'

const MAIN = 'main'
const REQUEST_TIMEOUT_MS = 30_000
/** Metadata and coordinators: a broker that does not say so soon is left for another one. */
const LOOKUP_TIMEOUT_MS = 5_000
const TOPIC_MAX_AGE_MS = 300_000

/** The wire over any library's connections: who leads what, and one connection a broker and lane. */
export class ClusterWire implements KafkaWire {
  readonly #connector: Connector
  readonly #seeds: ConnectionSettings['seeds']
  readonly #view = new ClusterView()
  /** By node, then lane. */
  readonly #connections = new Map<number, Map<string, BrokerConnection>>()
  /** Nodes that have failed, the last one last: what any can answer the others are asked before them. */
  readonly #avoided = new Set<number>()
  /** Answers on their way, so that who asks the same shares them. */
  readonly #lookups = new Map<string, Promise<unknown>>()
  #closed: StreamError | undefined

  constructor(connector: Connector, settings: ConnectionSettings) {
    this.#connector = connector
    this.#seeds = settings.seeds
  }

  async request<Request, Response>(
    to: BrokerRef,
    api: Api<Request, Response>,
    request: Request,
    options: RequestOptions = {},
  ): Promise<Response> {
    const node = this.#knownNode(to) ?? (await this.nodeOf(to))
    return this.#send(node, to, api, request, options.lane ?? MAIN, options.timeoutMs ?? REQUEST_TIMEOUT_MS)
  }

  async nodeOf(to: BrokerRef): Promise<number> {
    if (this.#closed !== undefined) throw this.#closed
    const known = this.#knownNode(to)
    if (known !== undefined) return known
    switch (to.kind) {
      case 'any':
      case 'controller':
        await this.#metadata([])
        break
      case 'node':
        return to.node
      case 'leader': {
        const { topic, partition } = to
        const { partitions } = await this.topic(topic, { maxAgeMs: 0 })
        if (partitions[partition] === undefined) {
          throw new StreamError(
            'NOT_FOUND',
            `topic '${topic}' has no partition ${partition}: describe it for those it has`,
            { topic, partition: String(partition) },
          )
        }
        break
      }
      case 'group':
        return this.#coordinator('group', to.group)
      case 'transaction':
        return this.#coordinator('transaction', to.transactionalId)
    }
    const node = this.#knownNode(to)
    if (node !== undefined) return node
    const what = to.kind === 'leader' ? `partition ${to.partition} of '${to.topic}'` : 'the cluster'
    throw new StreamError(
      'UNAVAILABLE',
      `${what} has no ${to.kind === 'leader' ? 'leader' : 'broker'} at present: try again, and look after the brokers`,
      to.kind === 'leader' ? { topic: to.topic, partition: String(to.partition) } : {},
    )
  }

  async topic(name: string, { maxAgeMs = TOPIC_MAX_AGE_MS } = {}): Promise<TopicLayout> {
    const known = this.#view.topic(name)
    if (known !== undefined && maxAgeMs > 0 && performance.now() - known.asOf < maxAgeMs) return known
    return this.#shared(`topic/${name}`, async () => {
      const answer = await this.#metadata([name])
      const layout = this.#view.topic(name)
      if (layout === undefined || answer.topics.every((topic) => topic.name !== name)) {
        throw topicError(answer, name)
      }
      return layout
    })
  }

  knownTopic(name: string): TopicLayout | undefined {
    return this.#view.topic(name)
  }

  async topics(): Promise<readonly TopicLayout[]> {
    const asOf = performance.now()
    return this.#view.update(await this.#metadata(null), asOf)
  }

  brokers(): readonly BrokerInfo[] {
    return this.#view.brokers
  }

  invalidate(to: BrokerRef): void {
    switch (to.kind) {
      case 'leader':
        return this.#view.forgetLeader(to.topic, to.partition)
      case 'group':
        this.#view.coordinators.delete(`group/${to.group}`)
        return
      case 'transaction':
        this.#view.coordinators.delete(`transaction/${to.transactionalId}`)
        return
      case 'controller':
        this.#view.controller = -1
        return
      case 'node':
        return this.#view.forgetNode(to.node)
      case 'any': {
        const [node] = this.#candidates()
        if (node !== undefined) this.#avoid(node)
      }
    }
  }

  closeLane(lane: string): void {
    const error = new StreamError('CLOSED', `the connections '${lane}' were closed: open them again`)
    for (const lanes of this.#connections.values()) {
      lanes.get(lane)?.close(error)
      lanes.delete(lane)
    }
  }

  async close(): Promise<void> {
    this.#closed ??= new StreamError('CLOSED', 'the connection to Kafka is closed: connect again')
    for (const lanes of this.#connections.values()) {
      for (const connection of lanes.values()) connection.close(this.#closed)
    }
    this.#connections.clear()
  }

  #knownNode(to: BrokerRef): number | undefined {
    switch (to.kind) {
      case 'any':
        return this.#candidates()[0]
      case 'controller':
        return this.#view.controller < 0 ? undefined : this.#view.controller
      case 'node':
        return this.#view.broker(to.node) === undefined ? undefined : to.node
      case 'leader': {
        const leader = this.#view.topic(to.topic)?.partitions[to.partition]?.leader ?? -1
        return leader < 0 ? undefined : leader
      }
      case 'group':
        return this.#view.coordinators.get(`group/${to.group}`)
      case 'transaction':
        return this.#view.coordinators.get(`transaction/${to.transactionalId}`)
    }
  }

  async #send<Request, Response>(
    node: number,
    to: BrokerRef,
    api: Api<Request, Response>,
    request: Request,
    lane: string,
    timeoutMs: number,
  ): Promise<Response> {
    if (this.#closed !== undefined) throw this.#closed
    const connection = this.#connection(node, lane)
    try {
      return await connection.send(api, request, timeoutMs)
    } catch (cause) {
      const error = classify(cause)
      if (!connection.usable) {
        const lanes = this.#connections.get(node)
        if (lanes?.get(lane) === connection) lanes.delete(lane)
        if (this.#closed === undefined && error.code !== 'CLOSED') {
          if (to.kind !== 'any') this.invalidate(to)
          this.#avoid(node)
          this.#view.forgetNode(node)
        }
      }
      throw error
    }
  }

  #connection(node: number, lane: string): BrokerConnection {
    let lanes = this.#connections.get(node)
    if (lanes === undefined) {
      lanes = new Map()
      this.#connections.set(node, lanes)
    }
    const broker = this.#view.broker(node)
    const open = lanes.get(lane)
    if (open?.usable && (broker === undefined || (open.host === broker.host && open.port === broker.port))) {
      return open
    }
    if (broker === undefined) {
      throw new StreamError('UNAVAILABLE', `the cluster has no broker ${node} at present: try again`)
    }
    open?.close(new StreamError('UNAVAILABLE', `broker ${node} has moved to another address: try again`))
    const connection = this.#connector.connect(broker.host, broker.port)
    lanes.set(lane, connection)
    return connection
  }

  async #coordinator(of: 'group' | 'transaction', key: string): Promise<number> {
    return this.#shared(`${of}/${key}`, async () => {
      const answer = await this.#ask(findCoordinator, { key, of })
      const what = `looking for the coordinator of ${of === 'group' ? 'group' : 'transactional id'} '${key}'`
      if (answer.errorCode !== KafkaError.NONE) {
        throw errorOf(answer.errorCode, what, { detail: answer.errorMessage })
      }
      // A coordinator that has just come up is not in the metadata yet.
      if (this.#view.broker(answer.node) === undefined) await this.#metadata([])
      this.#view.coordinators.set(`${of}/${key}`, answer.node)
      return answer.node
    })
  }

  async #metadata(topics: readonly string[] | null): Promise<MetadataResponse> {
    const asOf = performance.now()
    const answer = await this.#ask(metadata, { topics })
    this.#view.update(answer, asOf)
    return answer
  }

  /** Asks whoever answers: open connections first, then the other brokers, then the seeds. */
  async #ask<Request, Response>(api: Api<Request, Response>, request: Request): Promise<Response> {
    const failures: StreamError[] = []
    for (const node of this.#candidates()) {
      try {
        return await this.#send(node, { kind: 'any' }, api, request, MAIN, LOOKUP_TIMEOUT_MS)
      } catch (cause) {
        failures.push(this.#passable(cause))
      }
    }
    for (const { host, port } of this.#seeds) {
      if (this.#closed !== undefined) throw this.#closed
      const connection = this.#connector.connect(host, port)
      try {
        const answer = await connection.send(metadata, { topics: [] }, LOOKUP_TIMEOUT_MS)
        this.#view.update(answer, performance.now())
        const node = this.#adopt(connection)
        return await this.#send(node, { kind: 'any' }, api, request, MAIN, LOOKUP_TIMEOUT_MS)
      } catch (cause) {
        connection.close(new StreamError('UNAVAILABLE', 'the connection was given up'))
        failures.push(this.#passable(cause))
      }
    }
    const last = failures.at(-1)!
    if (failures.length === 1) throw last
    const reasons = [...new Set(failures.map(({ message }) => message))]
    throw new StreamError(last.code, reasons.join('; '), { cause: last })
  }

  /** Errors after which another broker is asked; the others are thrown. */
  #passable(cause: unknown): StreamError {
    const error = classify(cause)
    if (this.#closed !== undefined) throw this.#closed
    if (error.code === 'PERMISSION_DENIED' || !error.retryable) throw error
    return error
  }

  /** The seed's connection is that of one of the brokers, if the cluster calls it by the same address. */
  #adopt(connection: BrokerConnection): number {
    const { host, port } = connection
    const broker = this.#view.brokers.find((each) => each.host === host && each.port === port)
    const lanes = broker === undefined ? undefined : (this.#connections.get(broker.node) ?? new Map())
    if (broker !== undefined && lanes !== undefined && !lanes.get(MAIN)?.usable) {
      this.#connections.set(broker.node, lanes.set(MAIN, connection))
      return broker.node
    }
    connection.close(new StreamError('UNAVAILABLE', 'the connection was only needed to find the brokers'))
    const node = this.#candidates()[0]
    if (node !== undefined) return node
    throw new StreamError('UNAVAILABLE', `${host}:${port} knows no brokers: look after the cluster`)
  }

  /** Brokers to be asked what any can answer: those with an open connection first, those that failed last. */
  #candidates(): number[] {
    const nodes = this.#view.brokers.map(({ node }) => node)
    const avoided = [...this.#avoided]
    const rank = (node: number): number => {
      if (this.#avoided.has(node)) return 2 + avoided.indexOf(node)
      return this.#connections.get(node)?.get(MAIN)?.usable ? 0 : 1
    }
    return nodes.sort((a, b) => rank(a) - rank(b))
  }

  #avoid(node: number): void {
    this.#avoided.delete(node)
    this.#avoided.add(node)
  }

  async #shared<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#lookups.get(key)
    if (known !== undefined) return known as Promise<T>
    const answer = ask().finally(() => this.#lookups.delete(key))
    this.#lookups.set(key, answer)
    return answer
  }
}
