import { setTimeout as sleep } from 'node:timers/promises'
import type {
  Api,
  BrokerInfo,
  BrokerRef,
  KafkaWire,
  RequestOptions,
  TopicLayout,
} from '../../../../adapters/kafka/wire/wire.ts'
import { StreamError } from '../../../../src/driver.ts'

export interface Asked {
  readonly node: number
  readonly api: string
  // biome-ignore lint/suspicious/noExplicitAny: each request has its own
  readonly request: any
}

/** A cluster with one topic of one partition whose brokers say what the test wants: requests are not encoded. */
export class FakeWire implements KafkaWire {
  leader = 1
  leaderEpoch = 0
  readonly asked: Asked[] = []
  invalidated = 0
  nodes: readonly number[] = []
  /** Nodes that do not answer: who asks them waits for as long as it gives them. */
  readonly frozen = new Set<number>()
  /** The answer to a request, or a promise of it; throws what fails. */
  answer: (asked: Asked) => unknown = () => {
    throw new Error('no answer')
  }

  async request<Request, Response>(
    to: BrokerRef,
    api: Api<Request, Response>,
    request: Request,
    { timeoutMs = 30_000 }: RequestOptions = {},
  ): Promise<Response> {
    const asked = { node: await this.nodeOf(to), api: api.name, request }
    this.asked.push(asked)
    if (this.frozen.has(asked.node)) {
      await sleep(timeoutMs, undefined, { ref: false })
      throw new StreamError('TIMEOUT', `node ${asked.node} has not answered: try again`)
    }
    return (await this.answer(asked)) as Response
  }

  async nodeOf(to: BrokerRef): Promise<number> {
    return to.kind === 'node' ? to.node : this.leader
  }

  async topic(name: string): Promise<TopicLayout> {
    return this.knownTopic(name)
  }

  knownTopic(name: string): TopicLayout {
    const { leader, leaderEpoch } = this
    const partitions = [{ id: 0, leader, leaderEpoch, replicas: [1, 2], inSync: [1, 2] }]
    return { name, id: 'id', internal: false, partitions, asOf: performance.now() }
  }

  async topics(): Promise<readonly TopicLayout[]> {
    return []
  }

  brokers(): readonly BrokerInfo[] {
    return this.nodes.map((node) => ({ node, host: 'fake', port: node, rack: null }))
  }

  invalidate(): void {
    this.invalidated++
  }

  closeLane(): void {}

  async close(): Promise<void> {}

  /** The nodes that were asked to fetch. */
  get fetchedFrom(): number[] {
    return this.asked.filter(({ api }) => api === 'Fetch').map(({ node }) => node)
  }
}
