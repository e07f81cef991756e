import { type Lease, newLease } from '../../../../../adapters/kinesis/leasing/lease.ts'
import { LeaseMember } from '../../../../../adapters/kinesis/leasing/member.ts'
import { plainFrom } from '../../../../../adapters/kinesis/leasing/plain-from.ts'
import { EmbeddedTable } from '../../../../../adapters/kinesis/leasing/tables/embedded-table.ts'
import type { LeaseTable } from '../../../../../adapters/kinesis/leasing/tables/lease-table.ts'
import type { ResumePoint } from '../../../../../adapters/kinesis/positions.ts'
import type { Assignment, AssignmentEvents, From, StreamError } from '../../../../../src/driver.ts'
import { uniqueName } from '../../../../support/unique-name.ts'
import { FakeStreams } from './fake-streams.ts'
import { FaultyTable } from './faulty-table.ts'
import { openTables } from './lent-tables.ts'
import { ManualClock } from './manual-clock.ts'

export const SESSION_MS = 900
export const DRAIN_MS = 3_000

export interface Happening {
  readonly at: number
  readonly member: string
  readonly what: 'assigned' | 'revoked' | 'released' | 'lost' | 'failed'
  readonly shard: string
  readonly epoch: number
}

/** A group on a table in memory, its members on clocks that are told to go. */
export class TestGroup {
  readonly clock = new ManualClock()
  readonly streams = new FakeStreams()
  readonly happenings: Happening[] = []
  readonly members: TestMember[] = []
  readonly table: LeaseTable
  readonly name: string
  /** Where `latest` is found. */
  tip: ResumePoint = { kind: 'after', sequence: '77', sub: 0, arrival: 1 }
  started: string[] = []

  private constructor(name: string, table: LeaseTable) {
    this.name = name
    this.table = table
  }

  static async open(table?: LeaseTable): Promise<TestGroup> {
    const name = table?.name ?? uniqueName('group')
    if (table !== undefined) return new TestGroup(name, table)
    const tables = await openTables('memory:')
    return new TestGroup(name, new EmbeddedTable(async () => tables, name, name))
  }

  async join(
    options: {
      readonly topics?: readonly string[]
      readonly from?: From
      readonly clock?: ManualClock
      readonly sessionMs?: number
      readonly drainMs?: number
    } = {},
  ): Promise<TestMember> {
    const member = new TestMember(this, `m${this.members.length}`, options.clock ?? this.clock)
    const from = plainFrom(options.from ?? 'earliest')
    member.inner = await LeaseMember.join(
      {
        kinesis: this.streams.kinesis,
        table: member.table,
        clock: member.clock,
        findStart: async (_, shard, start) => {
          this.started.push(shard.id)
          if (start === 'earliest') return { kind: 'earliest' }
          if (start === 'latest') return this.tip
          if ('timestamp' in start) return { kind: 'time', timestamp: Number(start.timestamp) }
          return { kind: 'after', sequence: '1', sub: -1, arrival: undefined }
        },
        random: () => 0.5,
      },
      {
        group: this.name,
        topics: options.topics ?? ['orders'],
        from,
        clientId: member.name,
        sessionTimeoutMs: options.sessionMs ?? SESSION_MS,
        drainTimeoutMs: options.drainMs ?? DRAIN_MS,
      },
      from,
      member.events,
      () => {},
    )
    this.members.push(member)
    return member
  }

  /** What each member has, by shard number. */
  get shares(): number[][] {
    return this.members.map((member) => member.shards)
  }

  async leases(): Promise<Lease[]> {
    const leases = await this.table.list({ consistent: true })
    return leases.sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  async lease(shard: string): Promise<Lease> {
    return (await this.leases()).find((lease) => lease.shard === shard)!
  }

  /** As a KCL application of one stream creates it. */
  async kclLease(shard: string, fields: Partial<Lease> = {}): Promise<void> {
    await this.table.create(
      newLease({
        key: shard,
        shard,
        stream: undefined,
        group: undefined,
        checkpoint: { kind: 'earliest' },
        parents: [],
        ...fields,
      }),
    )
  }
}

export class TestMember {
  readonly name: string
  readonly clock: ManualClock
  readonly table: FaultyTable
  readonly held = new Map<string, Assignment>()
  failed: StreamError | undefined
  inner!: LeaseMember
  /** Draining takes until it resolves. */
  drain: () => Promise<void> = async () => {}
  readonly events: AssignmentEvents

  constructor(group: TestGroup, name: string, clock: ManualClock) {
    this.name = name
    this.clock = clock
    this.table = new FaultyTable(group.table)
    const tell = (
      what: Happening['what'],
      { partition, epoch }: Pick<Assignment, 'partition' | 'epoch'>,
    ): void => {
      group.happenings.push({ at: clock.now(), member: name, what, shard: partition, epoch })
    }
    this.events = {
      assigned: (assignment) => {
        tell('assigned', assignment)
        this.held.set(key(assignment), assignment)
      },
      revoked: async (assignment) => {
        tell('revoked', assignment)
        await this.drain()
        tell('released', assignment)
        this.held.delete(key(assignment))
      },
      lost: (assignment) => {
        tell('lost', assignment)
        this.held.delete(key(assignment))
      },
      failed: (error) => {
        tell('failed', { partition: '', epoch: 0 })
        this.failed = error
        this.held.clear()
      },
    }
  }

  get shards(): number[] {
    return Array.from(this.held.values(), ({ partition }) => Number(partition.split('-')[1])).sort(
      (a, b) => a - b,
    )
  }

  assignment(partition: string, topic = 'orders'): Assignment {
    const found = this.held.get(`${topic}/${partition}`)
    if (found === undefined) throw new Error(`${this.name} does not have ${topic}/${partition}`)
    return found
  }

  async checkpoint(
    assignment: Assignment,
    checkpoint: string,
    more: { readonly state?: Uint8Array; readonly ended?: boolean } = {},
  ): Promise<StreamError | undefined> {
    return (await this.inner.checkpoint([{ assignment, checkpoint, ...more }]))[0]
  }

  /** Reads a shard to its end. */
  end(partition: string, state?: Uint8Array): Promise<StreamError | undefined> {
    const more = state === undefined ? {} : { state }
    return this.checkpoint(this.assignment(partition), '99/0', { ...more, ended: true })
  }
}

const key = ({ topic, partition }: Assignment): string => `${topic}/${partition}`
