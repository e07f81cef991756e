import { StreamError } from '../../../../src/driver.ts'
import type { Owner, PartitionClaim, PlainCheckpoint, SyncGroupResult } from '../broker-api.ts'
import type { Metadata, MetadataChange } from '../metadata.ts'
import { toRefusal } from '../refusal.ts'
import { checkReach } from '../topics/resolve-from.ts'
import type { Topics } from '../topics/topics.ts'
import { assignPartitions } from './assign-partitions.ts'
import { inheritedStates, readablePartitions } from './group-lineage.ts'
import {
  type GroupPartition,
  type Member,
  partitionKey,
  type StoredGroupPartition,
  type StoredMember,
} from './group-state.ts'

/**
 * One group: its members, whose partitions are which, and the checkpoints. A partition goes to its next owner only after
 * the one before released it, left, died, or did not drain it in time. Nothing here waits: every method is done, and
 * what must survive is put into the metadata, when it returns.
 */
export class Group {
  readonly id: string
  /** Topics whose `from` was resolved. */
  readonly topics = new Set<string>()
  readonly members = new Map<string, Member>()
  readonly partitions = new Map<string, GroupPartition>()
  readonly #metadata: Metadata
  readonly #topics: Topics
  #version = 0

  constructor(id: string, metadata: Metadata, topics: Topics) {
    this.id = id
    this.#metadata = metadata
    this.#topics = topics
  }

  /** The partition as the group sees it; one that came after the group begins at its beginning. */
  partition(topic: string, id: string): GroupPartition {
    const key = partitionKey(topic, id)
    let partition = this.partitions.get(key)
    if (partition === undefined) {
      partition = {
        topic,
        id,
        checkpoint: 0,
        state: null,
        epoch: 0,
        ended: false,
        owner: undefined,
        revokeAt: undefined,
        target: undefined,
        version: 0,
      }
      this.partitions.set(key, partition)
    }
    return partition
  }

  /** What is stored of the group itself. */
  storedTopics(add: readonly string[] = []): MetadataChange {
    return [['group', this.id], { topics: [...new Set([...this.topics, ...add])] }]
  }

  storedPartition(partition: GroupPartition, changed: Partial<StoredGroupPartition> = {}): MetadataChange {
    const { topic, id, checkpoint, epoch, ended, owner } = partition
    const value: StoredGroupPartition = { checkpoint, epoch, ended, owner: owner?.id ?? null, ...changed }
    return [['checkpoint', this.id, topic, id], value]
  }

  storedState(partition: GroupPartition, state: string | null): MetadataChange {
    return [['state', this.id, partition.topic, partition.id], state === null ? null : { state }]
  }

  join(id: string, stored: StoredMember): void {
    this.#metadata.put([[['member', this.id, id], stored]])
    const member = this.members.get(id)
    const deadline = performance.now() + stored.sessionTimeoutMs
    if (member === undefined) {
      this.members.set(id, {
        id,
        stored,
        deadline,
        version: this.#version,
        failed: undefined,
        wake: undefined,
      })
    } else {
      member.stored = stored
      member.deadline = deadline
    }
    this.rebalance()
  }

  /** Undefined where the member is unknown or dead. Counts as a sign of life. */
  heard(memberId: string): Member | undefined {
    const member = this.members.get(memberId)
    if (member !== undefined) member.deadline = performance.now() + member.stored.sessionTimeoutMs
    return member
  }

  /** What the member has; `since` is the version it knows, so that states which it has are not repeated. */
  view(member: Member, since: number, seen: string): SyncGroupResult {
    const held = [...this.partitions.values()].filter((partition) => partition.owner === member)
    return {
      status: 'ok',
      seen,
      assignments: held.map((partition) => ({
        topic: partition.topic,
        partition: partition.id,
        epoch: partition.epoch,
        revoke: partition.revokeAt !== undefined,
        checkpoint: partition.checkpoint,
        ...(partition.version > since
          ? { state: partition.state, inherited: inheritedStates(this, this.#topics, partition) }
          : {}),
      })),
    }
  }

  /** The member has drained these, or gives them up. Claims that are no longer its own are passed over. */
  release(memberId: string, claims: readonly PartitionClaim[]): void {
    const changes: MetadataChange[] = []
    for (const claim of claims) {
      const partition = this.#owned(memberId, claim)
      if (partition !== undefined) changes.push(this.#free(partition))
    }
    if (changes.length === 0) return
    this.#metadata.put(changes)
    this.rebalance()
  }

  abandon(memberId: string, claim: PartitionClaim): void {
    const member = this.members.get(memberId)
    const partition = this.#owned(memberId, claim)
    if (member === undefined || partition === undefined) return
    const key = partitionKey(claim.topic, claim.partition)
    member.stored = { ...member.stored, abandoned: [...new Set([...member.stored.abandoned, key])] }
    this.#metadata.put([this.#free(partition), [['member', this.id, memberId], member.stored]])
    this.#changed(member)
    this.rebalance()
  }

  reclaim(memberId: string, topic: string, partition: string): void {
    const member = this.members.get(memberId)
    const key = partitionKey(topic, partition)
    if (!member?.stored.abandoned.includes(key)) return
    member.stored = { ...member.stored, abandoned: member.stored.abandoned.filter((other) => other !== key) }
    this.#metadata.put([[['member', this.id, memberId], member.stored]])
    this.rebalance()
  }

  /** Members that left or died: what they had is free. */
  remove(members: readonly Member[]): void {
    if (members.length === 0) return
    const changes: MetadataChange[] = []
    for (const member of members) {
      this.members.delete(member.id)
      changes.push([['member', this.id, member.id], null])
      for (const partition of this.partitions.values()) {
        if (partition.owner === member) changes.push(this.#free(partition))
      }
    }
    this.#metadata.put(changes)
    for (const member of members) member.wake?.()
    this.rebalance()
  }

  removeOwnedBy(owner: Owner['id']): void {
    this.remove([...this.members.values()].filter((member) => member.stored.owner.id === owner))
  }

  /** What storing these checkpoints takes, and how they take effect: both at once, or neither. Throws FENCED or INVALID_ARGUMENT. */
  plan(memberId: string, update: PlainCheckpoint): { changes: MetadataChange[]; apply: () => void } {
    const partition = this.#owned(memberId, update)
    if (partition === undefined) {
      const options = { topic: update.topic, partition: update.partition }
      throw new StreamError(
        'FENCED',
        `partition ${update.partition} of '${update.topic}' is no longer assigned to ${memberId} in group '${this.id}' ` +
          `(epoch ${update.epoch}): its records come again to the present owner, stop working on them`,
        options,
      )
    }
    checkReach(this.#topics.get(update.topic).partition(update.partition), update.checkpoint)
    const { checkpoint, state } = update
    const ended = partition.ended || update.ended === true
    const changes = [this.storedPartition(partition, { checkpoint, ended })]
    if (state !== undefined) changes.push(this.storedState(partition, state))
    const apply = (): void => {
      partition.checkpoint = checkpoint
      if (state !== undefined) partition.state = state
      if (partition.ended === ended) return
      partition.ended = ended
      this.rebalance()
    }
    return { changes, apply }
  }

  /** Moves a checkpoint by force; an owner loses the partition. */
  move(partition: GroupPartition, checkpoint: number, ended: boolean): MetadataChange[] {
    const owner = partition.owner
    partition.owner = undefined
    partition.revokeAt = undefined
    partition.epoch++
    partition.checkpoint = checkpoint
    partition.state = null
    partition.ended = ended
    if (owner !== undefined) this.#changed(owner)
    return [this.storedPartition(partition), this.storedState(partition, null)]
  }

  /** Takes by force what was not drained in time, and removes members unheard of. `lateMs` is forgiven. */
  expire(now: number, lateMs: number): Member[] {
    const changes: MetadataChange[] = []
    for (const partition of this.partitions.values()) {
      if (partition.revokeAt === undefined) continue
      partition.revokeAt += lateMs
      if (partition.revokeAt > now) continue
      this.#changed(partition.owner!)
      changes.push(this.#free(partition))
    }
    this.#metadata.put(changes)
    const dead: Member[] = []
    for (const member of this.members.values()) {
      member.deadline += lateMs
      if (member.deadline <= now) dead.push(member)
    }
    this.remove(dead)
    if (changes.length > 0 && dead.length === 0) this.rebalance()
    return dead
  }

  /** When `expire` has something to do. */
  nextDeadline(): number {
    let next = Number.POSITIVE_INFINITY
    for (const member of this.members.values()) next = Math.min(next, member.deadline)
    for (const { revokeAt } of this.partitions.values()) next = Math.min(next, revokeAt ?? next)
    return next
  }

  topicDeleted(topic: string): MetadataChange[] {
    if (!this.topics.delete(topic)) return []
    const changes: MetadataChange[] = [this.storedTopics()]
    for (const [key, partition] of this.partitions) {
      if (partition.topic !== topic) continue
      this.partitions.delete(key)
      changes.push(
        [['checkpoint', this.id, topic, partition.id], null],
        [['state', this.id, topic, partition.id], null],
      )
    }
    const error = new StreamError(
      'NOT_FOUND',
      `topic '${topic}' was deleted while group '${this.id}' read it: create it again and join anew`,
      { topic },
    )
    for (const member of this.members.values()) {
      if (!member.stored.topics.includes(topic)) continue
      member.failed = toRefusal(error)
      changes.push([['member', this.id, member.id], null])
      for (const partition of this.partitions.values()) {
        if (partition.owner === member) changes.push(this.#free(partition))
      }
      this.#changed(member)
    }
    return changes
  }

  /** Gives every partition that may be read to someone, and asks those who have too many to release some. */
  rebalance(): void {
    const now = performance.now()
    const readable = readablePartitions(this, this.#topics)
    const members = [...this.members.values()]
      .filter((member) => member.failed === undefined)
      .map((member) => ({
        id: member.id,
        accepts: (key: string) => {
          const { topics, abandoned } = member.stored
          return topics.includes(this.partitions.get(key)!.topic) && !abandoned.includes(key)
        },
      }))
    const target = assignPartitions(readable, members, (key) => this.partitions.get(key)!.target)
    const taken: [GroupPartition, Member][] = []
    for (const [key, partition] of this.partitions) {
      partition.target = target.get(key)
      const { owner } = partition
      if (owner === undefined) {
        if (partition.target !== undefined) taken.push([partition, this.members.get(partition.target)!])
      } else if (owner.id !== partition.target && partition.revokeAt === undefined) {
        partition.revokeAt = now + owner.stored.drainTimeoutMs
        this.#changed(owner)
      }
    }
    // Written down before anybody has it: an epoch that a crash forgets would be given out twice.
    this.#metadata.put(
      taken.map(([partition, { id }]) =>
        this.storedPartition(partition, { owner: id, epoch: partition.epoch + 1 }),
      ),
    )
    for (const [partition, member] of taken) {
      partition.owner = member
      partition.epoch++
      partition.version = this.#changed(member)
    }
  }

  #owned(memberId: string, { topic, partition, epoch }: PartitionClaim): GroupPartition | undefined {
    const found = this.partitions.get(partitionKey(topic, partition))
    return found?.owner?.id === memberId && found.epoch === epoch ? found : undefined
  }

  #free(partition: GroupPartition): MetadataChange {
    partition.owner = undefined
    partition.revokeAt = undefined
    return this.storedPartition(partition)
  }

  #changed(member: Member): number {
    member.version = ++this.#version
    // Answered when all that changes together has changed.
    if (member.wake !== undefined) queueMicrotask(member.wake)
    return member.version
  }
}
