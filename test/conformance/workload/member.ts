import type {
  BatchFailure,
  ConsumedBatch,
  Consumer,
  ConsumerOptions,
  ConsumerStats,
  HandlerContext,
  RunOptions,
} from '../../../src/index.ts'
import type { CaseContext } from '../case-context.ts'
import type { Connection } from '../connection.ts'
import { eventually } from '../eventually.ts'
import { idOf, type LoadRecord, type LoadTopic } from './load.ts'

export type LoadBatch = ConsumedBatch<LoadRecord>

export interface MemberOptions {
  /** Default: the case's group. */
  readonly group?: string
  readonly topics: readonly LoadTopic[]
  readonly consumer?: Partial<ConsumerOptions<LoadTopic>>
  readonly run?: Partial<RunOptions<LoadRecord>>
  /** Default: of a connection of its own. */
  readonly connection?: Connection
  /** One of the three says how records are taken; without any, `each` with nothing to do. */
  readonly each?: (record: LoadRecord, context: HandlerContext) => unknown
  readonly batch?: (batch: LoadBatch, context: HandlerContext) => unknown
  /** `for await`: checkpointed after it returned. */
  readonly pull?: (batch: LoadBatch) => unknown
}

const QUICK = { sessionTimeoutMs: 600, drainTimeoutMs: 2_000, checkpoint: { intervalMs: 20 } } as const

/** A member of a group that tells the oracle of every record it is given, and of those it gives back. */
export class Member {
  readonly connection: Connection
  readonly consumer: Consumer<LoadRecord>
  readonly group: string
  /** Settles as `run` or the loop does; never unhandled. */
  readonly running: Promise<void>
  /** What `run` rejected with. */
  failure: unknown
  /** `run` or the loop is over. */
  ended = false

  private constructor(connection: Connection, group: string, options: MemberOptions, context: CaseContext) {
    this.connection = connection
    this.group = group
    const { topics } = options
    this.consumer = connection.streams.consumer({
      ...QUICK,
      ...options.consumer,
      group,
      topics,
    }) as unknown as Consumer<LoadRecord>
    const over = () => {
      this.ended = true
    }
    this.running = this.work(options, context).finally(over)
    this.running.catch((error) => {
      this.failure = error
    })
  }

  /** Resolves at once: the member joins in the background, as in an application. */
  static async start(context: CaseContext, options: MemberOptions): Promise<Member> {
    const connection = options.connection ?? (await context.connect())
    const member = new Member(connection, options.group ?? context.group, options, context)
    context.onEnd(() => member.consumer.close())
    return member
  }

  get stats(): ConsumerStats {
    return this.consumer.stats
  }

  get owned(): number {
    return this.consumer.stats.assignments.length
  }

  /** Waits until it owns so many partitions (default: at least one), or fails as `run` did. */
  async assigned(count?: number): Promise<void> {
    await eventually(() => (count === undefined ? this.owned > 0 : this.owned === count), {
      what: () => `${this.connection.member} owns ${count ?? 'some'} partition(s), it has ${this.owned}`,
      unless: () => this.throwFailure(),
    })
  }

  throwFailure(): void {
    if (this.failure !== undefined) throw this.failure
  }

  /** Drains and leaves; rejects when `run` had failed. */
  async close(): Promise<void> {
    await this.consumer.close()
    await this.running
  }

  private work(options: MemberOptions, context: CaseContext): Promise<void> {
    const told = (type: 'delivered' | 'failed', record: LoadRecord): void => {
      const { topic, partition, position } = record
      const at = { group: this.group, member: this.connection.member, topic, partition, position }
      if (type === 'failed') context.oracle.record({ type, ...at })
      else context.oracle.record({ type, ...at, ...idOf(record.value!) })
    }
    const { each, batch, pull } = options
    if (pull !== undefined) return this.pull(pull, told)
    if (batch !== undefined) {
      return this.consumer.run({
        ...options.run,
        batch: async (records, handler) => {
          for (const record of records) told('delivered', record)
          try {
            const answer = (await batch(records, handler)) as BatchFailure | undefined
            const failed = new Set(answer?.failed ?? [])
            for (const record of records) if (failed.has(record.position)) told('failed', record)
            return answer
          } catch (error) {
            for (const record of records) told('failed', record)
            throw error
          }
        },
      })
    }
    return this.consumer.run({
      ...options.run,
      each: async (record, handler) => {
        told('delivered', record)
        try {
          await each?.(record, handler)
        } catch (error) {
          told('failed', record)
          throw error
        }
      },
    })
  }

  private async pull(
    handle: (batch: LoadBatch) => unknown,
    told: (type: 'delivered', record: LoadRecord) => void,
  ): Promise<void> {
    for await (const batch of this.consumer) {
      for (const record of batch) told('delivered', record)
      await handle(batch)
      await batch.checkpoint()
    }
  }
}
