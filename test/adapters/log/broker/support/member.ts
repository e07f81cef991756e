import type {
  Assignment,
  AssignmentEvents,
  Driver,
  GroupMember,
  JoinOptions,
  StreamError,
} from '../../../../../src/driver.ts'

/** A member that notes what it is told, and drains at once or when it is let. */
export class TestMember implements AssignmentEvents {
  readonly held = new Map<string, Assignment>()
  readonly log: string[] = []
  readonly failures: StreamError[] = []
  /** Awaited before a revocation is confirmed. */
  drain: (assignment: Assignment) => Promise<void> = async () => {}
  member!: GroupMember

  static async join(
    driver: Driver,
    options: Partial<JoinOptions> & { topics: readonly string[] },
  ): Promise<TestMember> {
    const self = new TestMember()
    self.member = await driver.joinGroup(
      {
        group: 'g',
        from: 'earliest',
        clientId: 'm',
        sessionTimeoutMs: 6000,
        drainTimeoutMs: 5000,
        ...options,
      },
      self,
    )
    return self
  }

  assigned(assignment: Assignment): void {
    this.log.push(`assigned ${assignment.partition}`)
    this.held.set(assignment.partition, assignment)
  }

  async revoked(assignment: Assignment): Promise<void> {
    this.log.push(`revoked ${assignment.partition}`)
    await this.drain(assignment)
    if (this.held.get(assignment.partition) === assignment) this.held.delete(assignment.partition)
  }

  lost(assignment: Assignment): void {
    this.log.push(`lost ${assignment.partition}`)
    if (this.held.get(assignment.partition) === assignment) this.held.delete(assignment.partition)
  }

  failed(error: StreamError): void {
    this.failures.push(error)
    this.held.clear()
  }

  /** Ids of what it has now, sorted. */
  get partitions(): string[] {
    return [...this.held.keys()].sort((a, b) => Number(a) - Number(b))
  }

  /** Checkpoints one partition; the error's code, or undefined. */
  async checkpoint(
    assignment: Assignment,
    checkpoint: string,
    extra: { ended?: boolean; state?: Uint8Array } = {},
  ): Promise<string | undefined> {
    const [error] = await this.member.checkpoint([{ assignment, checkpoint, ...extra }])
    return error?.code
  }
}
