import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { type Capabilities, connect, type Streams, type TopicSpec } from '../../src/index.ts'
import { Child } from './children/child.ts'
import type { Task } from './children/task.ts'
import { type Connection, quiet } from './connection.ts'
import { patiently, within } from './eventually.ts'
import type { Judgement } from './oracle/judge.ts'
import { Oracle } from './oracle/oracle.ts'
import { recordingDriver } from './oracle/recording-driver.ts'
import type { Terms } from './oracle/violation.ts'
import type { Backend, Faults } from './setup.ts'
import { type LoadTopic, loadTopic } from './workload/load.ts'
import { LoadProducer } from './workload/load-producer.ts'
import { readBack } from './workload/read-back.ts'

/** With nothing delivered for so long, nothing more will be. Milliseconds. */
const STALL_MS = 4_000

let cases = 0

/** What a case works with: connections, names nobody else uses, the oracle. Everything made here ends with the case. */
export class CaseContext {
  readonly backend: Backend
  readonly oracle: Oracle
  /** A first connection, for administration and whatever else. */
  readonly streams: Streams<'transactions'>
  private readonly endings: (() => unknown)[]
  private readonly name: string
  private readonly topics = new Map<string, LoadTopic>()
  private made = 0
  private producers = 0

  private constructor(
    backend: Backend,
    first: Connection,
    endings: (() => unknown)[],
    oracle: Oracle,
    name: string,
  ) {
    this.backend = backend
    this.oracle = oracle
    this.streams = first.streams
    this.endings = endings
    this.name = name
  }

  static async begin(backend: Backend): Promise<CaseContext> {
    const name = `c${process.pid.toString(36)}-${randomBytes(3).toString('hex')}-${++cases}`
    const endings: (() => unknown)[] = []
    const inner = await backend.openDriver()
    const oracle = new Oracle((a, b) => inner.comparePositions(a, b))
    const first = await open(inner, `${name}-m0`, oracle)
    endings.push(() => first.streams.close())
    return new CaseContext(backend, first, endings, oracle, name)
  }

  get capabilities(): Capabilities {
    return this.streams.capabilities
  }

  /** One more connection, as another process would have it. */
  async connect(): Promise<Connection> {
    const connection = await open(await this.backend.openDriver(), this.unique('m'), this.oracle)
    this.onEnd(() => connection.streams.close())
    return connection
  }

  /** Creates a topic for the workload. `verify: false` leaves it out of what the judge reads back. */
  async topic(spec: Partial<TopicSpec> & { readonly verify?: boolean } = {}): Promise<LoadTopic> {
    const { verify = true, ...rest } = spec
    const topic = loadTopic(this.unique('topic'))
    await this.streams.admin.createTopic({ ...rest, name: topic.name })
    if (verify) this.topics.set(topic.name, topic)
    return topic
  }

  /** A producer of the workload, closed with the case. Default: on the first connection. */
  producer(topic: LoadTopic, streams: Streams = this.streams): LoadProducer {
    const producer = streams.producer()
    this.onEnd(() => producer.close())
    return new LoadProducer(producer, `p${++this.producers}`, topic, this.oracle.record)
  }

  /**
   * Waits until the group was given so many different records. Fails as soon as one of `members` does, or when nothing more
   * comes, with what the oracle has to say.
   */
  async untilDelivered(
    count: number,
    members: readonly { throwFailure(): void }[],
    group = this.group,
  ): Promise<void> {
    const { oracle } = this
    let seen = 0
    let movedAt = performance.now()
    for (;;) {
      for (const member of members) member.throwFailure()
      const delivered = oracle.deliveredTo(group)
      if (delivered >= count) return
      const now = performance.now()
      if (delivered > seen) movedAt = now
      seen = delivered
      if (now - movedAt > patiently(STALL_MS)) {
        const topics = [...this.topics.keys()]
        const { violations } = oracle.judge({ complete: topics.map((topic) => ({ group, topic })) })
        const said = violations.slice(0, 5).map(({ kind, text }) => `\n  ${kind}: ${text}`)
        assert.fail(`only ${delivered} of ${count} records reached ${group}; the oracle:${said.join('')}`)
      }
      await wait(3)
    }
  }

  /** A name that nothing else uses. */
  unique(kind: string): string {
    return `${this.name}-${kind}${++this.made}`
  }

  get group(): string {
    return `${this.name}-group`
  }

  fault<K extends 'expire' | 'compact' | 'loseServer' | 'crash'>(name: K): NonNullable<Faults[K]> {
    const fault = this.backend.faults?.[name]
    if (fault === undefined)
      throw new Error(`this backend's setup cannot "${name}": give the fault, or waive the case`)
    return fault.bind(this.backend.faults) as NonNullable<Faults[K]>
  }

  /** A child process on the same backend, whose events reach the oracle; killed at the end of the case. */
  child(task: Task): Child {
    const { child } = this.backend
    if (child === undefined)
      throw new Error('this backend\'s setup has no "child": give it, or waive the case')
    const started = new Child(child, { ...task, member: this.unique('child') }, (event) =>
      this.oracle.adopt(event),
    )
    this.onEnd(() => started.kill())
    return started
  }

  /** Called in reverse order when the case is over, however it ended. */
  onEnd(ending: () => unknown): void {
    this.endings.push(ending)
  }

  /** Reads the workload's topics back and asserts that the oracle has nothing to say. */
  async judge(terms: Terms = {}): Promise<Judgement> {
    for (const topic of this.topics.values()) await readBack(this.streams, topic, this.oracle)
    return this.oracle.assertClean({
      idempotent: this.capabilities.has('idempotence'),
      orderAcrossPartitions: true,
      ...terms,
    })
  }

  async end(): Promise<void> {
    const failures: unknown[] = []
    for (const ending of this.endings.splice(0).reverse()) {
      try {
        await within(8_000, Promise.resolve(ending()), 'closing what the case opened')
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures.length === 1 ? failures[0] : new AggregateError(failures)
  }
}

async function open(
  inner: Awaited<ReturnType<Backend['openDriver']>>,
  member: string,
  oracle: Oracle,
): Promise<Connection> {
  const driver = recordingDriver(inner, member, oracle.record)
  // The type says what a backend may lack: from there it throws UNSUPPORTED, which is a case of its own.
  const streams = (await connect(driver, { logger: quiet })) as Streams<'transactions'>
  return { streams, driver, inner, member }
}
