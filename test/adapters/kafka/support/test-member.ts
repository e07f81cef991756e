import { joinGroup } from '../../../../adapters/kafka/grouping/kafka-member.ts'
import type { KafkaCluster, KafkaGroupMember } from '../../../../adapters/kafka/parts.ts'
import type { Assignment, JoinOptions, StreamError } from '../../../../src/driver.ts'
import { eventually } from '../../../conformance/eventually.ts'

/** A member on the bare contract that remembers what it was told. */
export class TestMember {
  readonly held = new Map<string, Assignment>()
  readonly events: string[] = []
  failure: StreamError | undefined
  member!: KafkaGroupMember
  /** What `revoked` waits for. */
  drain: (assignment: Assignment) => Promise<void> = async () => {}

  static async join(
    cluster: KafkaCluster,
    group: string,
    topic: string,
    options: Partial<JoinOptions> = {},
  ): Promise<TestMember> {
    const it = new TestMember()
    const key = (assignment: Assignment): string => `${assignment.topic}/${assignment.partition}`
    it.member = await joinGroup(
      cluster,
      {
        group,
        topics: [topic],
        from: 'earliest',
        clientId: 'tests',
        // Longer than any pause of a busy machine: whoever is taken for dead here is to be so for a reason.
        sessionTimeoutMs: 4_000,
        // Longer than what a test does while it holds a drain up.
        drainTimeoutMs: 6_000,
        ...options,
      },
      {
        assigned(assignment) {
          it.events.push(`assigned ${assignment.partition}`)
          it.held.set(key(assignment), assignment)
        },
        async revoked(assignment) {
          it.events.push(`revoked ${assignment.partition}`)
          await it.drain(assignment)
          it.held.delete(key(assignment))
        },
        lost(assignment) {
          it.events.push(`lost ${assignment.partition}`)
          it.held.delete(key(assignment))
        },
        failed(error) {
          it.failure = error
        },
      },
      () => {},
    )
    return it
  }

  get assignments(): Assignment[] {
    return [...this.held.values()].sort((a, b) => Number(a.partition) - Number(b.partition))
  }

  /** Waits until it holds so many partitions. */
  holds(count: number): Promise<Assignment[]> {
    return eventually(() => this.held.size === count && this.assignments, {
      what: () => `${count} partitions, there are ${this.held.size} after ${this.events.join(', ')}`,
      withinMs: 30_000,
      unless: () => {
        if (this.failure !== undefined) throw this.failure
      },
    })
  }

  async checkpoint(assignment: Assignment, checkpoint: string, state?: string): Promise<string | undefined> {
    const update = { assignment, checkpoint, ...(state === undefined ? {} : { state: Buffer.from(state) }) }
    const [error] = await this.member.checkpoint([update])
    return error?.code
  }
}
