import { randomUUID } from 'node:crypto'
import { StreamError } from '../../../../src/driver.ts'
import type * as api from '../broker-api.ts'
import { DeadlineTimer } from '../deadline-timer.ts'
import type { Metadata, MetadataChange, StoredMetadata } from '../metadata.ts'
import { toRefusal } from '../refusal.ts'
import { resolveFrom } from '../topics/resolve-from.ts'
import type { Topic } from '../topics/topic.ts'
import type { Topics } from '../topics/topics.ts'
import { describeGroup } from './describe-group.ts'
import { Group } from './group.ts'
import { loadGroups } from './load-groups.ts'

/** A checkpoint of one member in a transaction. */
type MemberCheckpoints = api.MemberRef & { readonly updates: readonly api.PlainCheckpoint[] }

/** All groups of a log: the calls of `BrokerApi` about them, and their deadlines. */
export class Groups {
  readonly #metadata: Metadata
  readonly #topics: Topics
  readonly #groups: Map<string, Group>
  // Versions of another holder say nothing here.
  readonly #instance = randomUUID().slice(0, 8)
  readonly #joins = new Map<string, Promise<unknown>>()
  readonly #timer = new DeadlineTimer((lateMs) => this.#expire(lateMs))
  /** Forgiven below this: timers are never quite in time. */
  readonly #toleratedLateMs = 100

  constructor(metadata: Metadata, topics: Topics, stored: StoredMetadata) {
    this.#metadata = metadata
    this.#topics = topics
    this.#groups = loadGroups(metadata, topics, stored)
    for (const group of this.#groups.values()) group.rebalance()
    this.#plan()
  }

  /** Whose members are known, for the broker to see which of them are still there. */
  owners(): api.Owner[] {
    return [...this.#groups.values()].flatMap((group) =>
      Array.from(group.members.values(), (member) => member.stored.owner),
    )
  }

  ownerGone(owner: string): void {
    for (const group of this.#groups.values()) group.removeOwnedBy(owner)
    this.#plan()
  }

  async join(request: api.JoinGroupRequest): Promise<void> {
    const { group: id, memberId, topics, from } = request
    for (const topic of topics) this.#topics.get(topic)
    // One after another for each group: `from` is resolved once, by the first who reads the topic.
    const before = this.#joins.get(id)
    const joined = (before ?? Promise.resolve()).catch(() => {}).then(() => this.#resolve(id, topics, from))
    this.#joins.set(id, joined)
    try {
      await joined
    } finally {
      if (this.#joins.get(id) === joined) this.#joins.delete(id)
    }
    for (const topic of topics) this.#topics.get(topic)
    const { clientId, sessionTimeoutMs, drainTimeoutMs, owner } = request
    const group = this.#group(id)
    const abandoned = group.members.get(memberId)?.stored.abandoned ?? []
    group.join(memberId, { clientId, topics, sessionTimeoutMs, drainTimeoutMs, owner, abandoned })
    this.#plan()
    await this.#metadata.durable()
  }

  async sync(request: api.SyncGroupRequest, signal?: AbortSignal): Promise<api.SyncGroupResult> {
    const { memberId, seen, waitMs } = request
    const group = this.#groups.get(request.group)
    const member = group?.heard(memberId)
    if (group === undefined || member === undefined) return { status: 'unknown' }
    this.#plan()
    const seenOf = (version: number): string => `${this.#instance}:${version}`
    if (seen === seenOf(member.version) && member.failed === undefined) {
      // A newer call takes the place of one whose answer nobody waits for any more.
      member.wake?.()
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, waitMs)
        timer.unref()
        function done(): void {
          clearTimeout(timer)
          signal?.removeEventListener('abort', done)
          if (member!.wake === done) member!.wake = undefined
          resolve()
        }
        member.wake = done
        signal?.addEventListener('abort', done)
      })
    }
    if (group.members.get(memberId) !== member) return { status: 'unknown' }
    if (member.failed !== undefined) {
      group.remove([member])
      return { status: 'failed', error: member.failed }
    }
    const since = seen.startsWith(`${this.#instance}:`) ? Number(seen.slice(this.#instance.length + 1)) : -1
    // What an acquisition stored must be durable before somebody works under its epoch.
    await this.#metadata.durable()
    return group.view(member, since, seenOf(member.version))
  }

  release(request: api.MemberRef & { partitions: readonly api.PartitionClaim[] }): void {
    this.#groups.get(request.group)?.release(request.memberId, request.partitions)
    this.#plan()
  }

  async checkpoint(request: MemberCheckpoints): Promise<{ results: (api.Refusal | null)[] }> {
    const group = this.#groups.get(request.group)
    const changes: MetadataChange[] = []
    const effects: (() => void)[] = []
    const results = request.updates.map((update): api.Refusal | null => {
      try {
        const planned = this.#plannedCheckpoint(group, request, update)
        changes.push(...planned.changes)
        effects.push(planned.apply)
        return null
      } catch (error) {
        if (error instanceof StreamError) return toRefusal(error)
        throw error
      }
    })
    this.#metadata.put(changes)
    for (const apply of effects) apply()
    this.#plan()
    await this.#metadata.durable()
    return { results }
  }

  /** Checkpoints of a transaction, all or none. Throws FENCED where one is refused. */
  planAll(checkpoints: readonly MemberCheckpoints[]): { changes: MetadataChange[]; apply: () => void } {
    const plans = checkpoints.flatMap((request) => {
      const group = this.#groups.get(request.group)
      return request.updates.map((update) => this.#plannedCheckpoint(group, request, update))
    })
    return {
      changes: plans.flatMap((plan) => plan.changes),
      apply: () => {
        for (const plan of plans) plan.apply()
        this.#plan()
      },
    }
  }

  abandon(request: api.MemberRef & api.PartitionClaim): void {
    this.#groups.get(request.group)?.abandon(request.memberId, request)
    this.#plan()
  }

  reclaim(request: api.MemberRef & { topic: string; partition: string }): void {
    this.#groups.get(request.group)?.reclaim(request.memberId, request.topic, request.partition)
    this.#plan()
  }

  leave(request: api.MemberRef): void {
    const group = this.#groups.get(request.group)
    const member = group?.members.get(request.memberId)
    if (group !== undefined && member !== undefined) group.remove([member])
    this.#plan()
  }

  list(): string[] {
    return [...this.#groups.keys()].sort()
  }

  /** NOT_FOUND where there is none. */
  describe(id: string): api.GroupInfo {
    return describeGroup(this.#existing(id), this.#topics)
  }

  async seek(request: api.SeekGroupRequest): Promise<void> {
    const topic = this.#topics.get(request.topic)
    const ids = request.partition === undefined ? [...topic.partitions.keys()] : [request.partition]
    const places = await Promise.all(
      ids.map(async (id) => {
        const partition = topic.partition(id)
        return { partition, offset: await resolveFrom(partition, request.to) }
      }),
    )
    const group = this.#group(request.group)
    this.#refuseWhileLive(group, request.force, 'seek with force')
    // The partitions that are not sought begin at their beginning; the topic counts as seen.
    const changes = [group.storedTopics([topic.name])]
    group.topics.add(topic.name)
    for (const { partition, offset } of places) {
      const done = partition.complete && offset >= partition.log.endOffset
      changes.push(...group.move(group.partition(topic.name, partition.id), offset, done))
    }
    this.#metadata.put(changes)
    group.rebalance()
    this.#plan()
    await this.#metadata.durable()
  }

  async delete(id: string): Promise<void> {
    const group = this.#existing(id)
    this.#refuseWhileLive(group, false, 'stop them first')
    const changes: MetadataChange[] = [[['group', id], null]]
    for (const { topic, id: partition } of group.partitions.values()) {
      changes.push([['checkpoint', id, topic, partition], null], [['state', id, topic, partition], null])
    }
    this.#metadata.put(changes)
    this.#groups.delete(id)
    await this.#metadata.durable()
  }

  layoutChanged(topic: Topic): void {
    for (const group of this.#groups.values()) if (group.topics.has(topic.name)) group.rebalance()
    this.#plan()
  }

  topicDeleted(topic: string): MetadataChange[] {
    return [...this.#groups.values()].flatMap((group) => group.topicDeleted(topic))
  }

  close(): void {
    this.#timer.cancel()
    for (const group of this.#groups.values()) for (const member of group.members.values()) member.wake?.()
  }

  #group(id: string): Group {
    let group = this.#groups.get(id)
    if (group === undefined) {
      group = new Group(id, this.#metadata, this.#topics)
      this.#groups.set(id, group)
    }
    return group
  }

  #existing(id: string): Group {
    const group = this.#groups.get(id)
    if (group !== undefined) return group
    throw new StreamError('NOT_FOUND', `there is no group '${id}': list the groups for those there are`)
  }

  #refuseWhileLive(group: Group, force: boolean, remedy: string): void {
    if (force || group.members.size === 0) return
    const names = Array.from(group.members.keys()).join(', ')
    throw new StreamError('FENCED', `group '${group.id}' has live members (${names}): ${remedy}`)
  }

  /** Resolves and stores `from` for the topics that the group has not seen yet. */
  async #resolve(id: string, topics: readonly string[], from: api.PlainFrom): Promise<void> {
    const seen = this.#groups.get(id)?.topics
    const fresh = topics.filter((topic) => !seen?.has(topic)).map((name) => this.#topics.get(name))
    if (fresh.length === 0) return
    const places = await Promise.all(
      fresh
        .flatMap((topic) => [...topic.partitions.values()])
        .map(async (partition) => ({ partition, offset: await resolveFrom(partition, from) })),
    )
    const group = this.#group(id)
    const names = fresh.filter((topic) => this.#topics.find(topic.name) === topic).map((topic) => topic.name)
    const changes = [group.storedTopics(names)]
    for (const { partition, offset } of places) {
      if (!names.includes(partition.topic)) continue
      const known = group.partition(partition.topic, partition.id)
      known.checkpoint = offset
      // An ended partition with nothing to read would only keep its children waiting.
      known.ended = partition.complete && offset >= partition.log.endOffset
      changes.push(group.storedPartition(known))
    }
    this.#metadata.put(changes)
    for (const name of names) group.topics.add(name)
  }

  #plannedCheckpoint(
    group: Group | undefined,
    member: api.MemberRef,
    update: api.PlainCheckpoint,
  ): ReturnType<Group['plan']> {
    if (group !== undefined) return group.plan(member.memberId, update)
    throw new StreamError('FENCED', `group '${member.group}' was deleted: join it anew`)
  }

  #expire(lateMs: number): void {
    const forgiven = lateMs > this.#toleratedLateMs ? lateMs : 0
    for (const group of this.#groups.values()) group.expire(performance.now(), forgiven)
    this.#plan()
  }

  #plan(): void {
    let next = Number.POSITIVE_INFINITY
    for (const group of this.#groups.values()) next = Math.min(next, group.nextDeadline())
    this.#timer.plan(next)
  }
}
