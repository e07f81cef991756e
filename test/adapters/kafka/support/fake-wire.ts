import type { Api, BrokerRef, KafkaWire, TopicLayout } from '../../../../adapters/kafka/wire/wire.ts'

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
  /** The answer to a request, or a promise of it; throws what fails. */
  answer: (asked: Asked) => unknown = () => {
    throw new Error('no answer')
  }

  async request<Request, Response>(
    to: BrokerRef,
    api: Api<Request, Response>,
    request: Request,
  ): Promise<Response> {
    const asked = { node: await this.nodeOf(to), api: api.name, request }
    this.asked.push(asked)
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

  brokers(): never[] {
    return []
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
