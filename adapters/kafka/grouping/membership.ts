import type { From, StreamError } from '../../../src/driver.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import type { OffsetCommitRequest } from '../wire/protocol/offset-commit.ts'
import type { Api } from '../wire/wire.ts'

/** A member's side of one of the two group protocols. It goes on by itself from `start` to `stop`. */
export interface Membership {
  /** Of checkpoints. What waits at the broker, and what keeps the member alive, has a connection of its own. */
  readonly lane: string
  /** Empty where the coordinator has given none yet. */
  readonly memberId: string
  /** Generation or member epoch of the assignment that is in force; -1 before the first. */
  readonly generation: number
  readonly instanceId: string | null
  readonly over: boolean
  /** Joining has begun and the assignment it will bring is not there yet: what is refused now may be taken then. */
  readonly joining: boolean
  /** Resolves when another assignment is in force, the member was expelled, or it is over. */
  readonly moved: Promise<void>
  /** In which the coordinator takes checkpoints under `generation`. */
  readonly offsetCommit: Api<
    OffsetCommitRequest,
    readonly (TopicPartition & { readonly errorCode: number })[]
  >
  /** Of an assignment that begins now: above that of whoever had the partition before, this member included. */
  epoch(): number
  /** Joins; resolves with the first assignment. Rejects with what does not pass. */
  start(): Promise<void>
  /** Tells the group soon what this member owns and refuses now. */
  rejoin(): void
  /** The coordinator no longer knows `memberId`: begins anew. */
  expel(memberId: string): void
  /**
   * Stores where the group begins in partitions that are this member's and have no checkpoint, where that is its to do. Asked
   * again until there is one; `waitedMs` since it was given them. Rejects with what is for good.
   */
  begin(own: readonly TopicPartition[], waitedMs: number): Promise<void>
  /** Leaves at once; a static member keeps its place. Idempotent. */
  stop(): Promise<void>
}

export interface MembershipOptions {
  readonly group: string
  readonly from: From
  readonly instanceId: string | null
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

/** What a membership asks of and tells to the member that it is for. */
export interface MembershipHost {
  readonly topics: readonly string[]
  /** What nobody else may be given. */
  owned(): readonly TopicPartition[]
  refused(): readonly TopicPartition[]
  /** The whole of what this member is to have, as of `generation`; `claimed` is what the group takes it to own. */
  assigned(partitions: readonly TopicPartition[], claimed: readonly TopicPartition[]): void
  /** The group takes this member for dead: all that it held is somebody else's. */
  expelled(): void
  /** It is over for good. */
  failed(error: StreamError): void
}
