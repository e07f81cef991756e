import {
  type DriverGroups,
  type From,
  type GroupDescription,
  type GroupPartitionDescription,
  StreamError,
} from '../../../src/driver.ts'
import { formatCheckpoint } from '../checkpoints.ts'
import { partitionNumber } from '../partition-number.ts'
import type { KafkaCluster } from '../parts.ts'
import { EARLIEST, findOffsets, LATEST } from '../reading/find-offsets.ts'
import { errorOf, KafkaError } from '../wire/error-codes.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import { consumerGroupHeartbeat } from '../wire/protocol/consumer-group-heartbeat.ts'
import { deleteGroups } from '../wire/protocol/delete-groups.ts'
import { leaveGroup } from '../wire/protocol/leave-group.ts'
import { listGroups } from '../wire/protocol/list-groups.ts'
import { offsetCommit } from '../wire/protocol/offset-commit.ts'
import { retrying } from '../wire/retry.ts'
import { keyOf } from './assign-partitions.ts'
import { describeGroup, type GroupView, noSuchGroup } from './describe-group.ts'
import { farewell } from './farewell.ts'
import { committedOffsets, coordinatorOf, REQUEST_MS, refusedByCoordinator } from './group-requests.ts'
import { resolveOffsets } from './initial-offsets.ts'
import { decodeState } from './stored-state.ts'

const PATIENCE_MS = 20_000
const LIMIT = { timeoutMs: REQUEST_MS }
/** How long members that were sent away may be faster in joining again than what their group is to be told. Milliseconds. */
const FORCE_MS = 10_000

/** The groups of a cluster, for administration. */
export class KafkaGroups implements DriverGroups {
  readonly #cluster: KafkaCluster

  constructor(cluster: KafkaCluster) {
    this.#cluster = cluster
  }

  /** Consumer groups, of other clients too; each broker is asked for those that it coordinates. */
  async listGroups(): Promise<string[]> {
    const { wire } = this.#cluster
    const names = await this.#patiently(async () => {
      // The brokers as they are now.
      await wire.topics()
      const answers = wire.brokers().map(async ({ node }) => {
        const { errorCode, groups } = await wire.request({ kind: 'node', node }, listGroups, {}, LIMIT)
        if (errorCode !== KafkaError.NONE) throw errorOf(errorCode, 'listing groups')
        return groups
      })
      return (await Promise.all(answers)).flat()
    })
    const ours = names.filter(({ protocolType }) => protocolType === 'consumer' || protocolType === '')
    return [...new Set(ours.map(({ group }) => group))].sort()
  }

  async describeGroup(group: string): Promise<GroupDescription> {
    const [described, committed] = await this.#patiently(() =>
      Promise.all([
        describeGroup(this.#cluster, group),
        committedOffsets(this.#cluster, group, null, { stable: false }),
      ]),
    )
    const stored = new Map(
      committed.filter(({ offset }) => offset >= 0).map((offset) => [keyOf(offset), offset]),
    )
    if (described.protocol === null && stored.size === 0) throw noSuchGroup(group)
    const { members } = described
    const owners = new Map(
      members.flatMap(({ memberId, partitions }) => partitions.map((it) => [keyOf(it), memberId] as const)),
    )
    const known = new Map<string, TopicPartition>(stored)
    for (const { partitions } of members) for (const it of partitions) known.set(keyOf(it), it)
    const places = await this.#existing([...known.values()])
    const ask = (timestamp: number) =>
      findOffsets(
        this.#cluster,
        'uncommitted',
        places.map(({ topic, partition }) => ({ topic, partition, timestamp })),
      )
    const [starts, ends] = await Promise.all([ask(EARLIEST), ask(LATEST)])
    return {
      group,
      state: stateOf(described),
      members: members.map(({ memberId, clientId, partitions }) => ({
        memberId,
        clientId,
        assignments: partitions.map(({ topic, partition }) => ({ topic, partition: String(partition) })),
      })),
      partitions: places.map(({ topic, partition }, i): GroupPartitionDescription => {
        const key = keyOf({ topic, partition })
        const at = stored.get(key)
        return {
          topic,
          partition: String(partition),
          checkpoint: at === undefined ? null : formatCheckpoint(at.offset, at.leaderEpoch),
          position: at === undefined ? null : String(at.offset),
          // Where nothing is stored, all of it is before the group.
          lag: { records: Math.max(0, ends[i]!.offset - (at ?? starts[i]!).offset) },
          owner: owners.get(key) ?? null,
          ended: false,
          state: decodeState(at?.metadata ?? null),
        }
      }),
    }
  }

  async seekGroup(
    group: string,
    topic: string,
    to: From,
    options: { readonly partition?: string; readonly force?: boolean },
  ): Promise<void> {
    const { partition, force = false } = options
    const { partitions } = await this.#cluster.wire.topic(topic, { maxAgeMs: 0 })
    const chosen = partition === undefined ? undefined : partitionNumber(topic, partition)
    const places = partitions
      .filter(({ id }) => chosen === undefined || id === chosen)
      .map(({ id }) => ({ topic, partition: id }))
    if (places.length === 0) {
      throw new StreamError(
        'NOT_FOUND',
        `topic '${topic}' has no partition '${partition}': see its description`,
        {
          topic,
          partition,
        },
      )
    }
    const offsets = await resolveOffsets(this.#cluster, places, to)
    const refuse = (): never => {
      throw new StreamError(
        'FENCED',
        `group '${group}' has live members: stop them, seek through one of them, or seek with force`,
      )
    }
    const described = await this.#patiently(() => describeGroup(this.#cluster, group))
    if (described.members.length > 0 && !force) refuse()
    const deadline = performance.now() + FORCE_MS
    await retrying(
      async () => {
        if (force) await this.#sendAway(group)
        await this.#store(group, offsets)
      },
      {
        deadline,
        pauseMs: 5,
        maxPauseMs: 50,
        again: (error) => error.retryable || (force && error.code === 'FENCED'),
      },
    )
  }

  async deleteGroup(group: string): Promise<void> {
    await this.#patiently(async () => {
      const answers = await this.#cluster.wire.request(
        coordinatorOf(group),
        deleteGroups,
        { groups: [group] },
        LIMIT,
      )
      const code = answers[0]?.errorCode ?? KafkaError.UNKNOWN_SERVER_ERROR
      if (code === KafkaError.GROUP_ID_NOT_FOUND) throw noSuchGroup(group)
      if (code !== KafkaError.NONE) throw refusedByCoordinator(this.#cluster, group, code, 'deleting')
    })
  }

  #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    return retrying(attempt, { deadline: performance.now() + PATIENCE_MS })
  }

  /** Of what a group knows, what is still there: a topic may have been deleted. */
  async #existing(places: readonly TopicPartition[]): Promise<TopicPartition[]> {
    const counts = new Map<string, number>()
    for (const topic of new Set(places.map(({ topic }) => topic))) {
      const layout = await this.#cluster.wire.topic(topic, { maxAgeMs: 1_000 }).catch((error) => {
        if (error instanceof StreamError && error.code === 'NOT_FOUND') return undefined
        throw error
      })
      counts.set(topic, layout?.partitions.length ?? 0)
    }
    return places
      .filter(({ topic, partition }) => partition < counts.get(topic)!)
      .toSorted((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
  }

  /** Ends the membership of all: they are told with their next heartbeat, and begin anew from what is stored by then. */
  async #sendAway(group: string): Promise<void> {
    const { members } = await describeGroup(this.#cluster, group)
    const classic = members.filter((member) => member.classic)
    for (const { memberId, instanceId } of members.filter((member) => !member.classic)) {
      const { errorCode } = await this.#cluster.wire.request(
        coordinatorOf(group),
        consumerGroupHeartbeat,
        farewell(group, memberId, instanceId),
        LIMIT,
      )
      if (errorCode !== KafkaError.NONE && errorCode !== KafkaError.UNKNOWN_MEMBER_ID) {
        throw refusedByCoordinator(this.#cluster, group, errorCode, 'sending away the members of')
      }
    }
    if (classic.length === 0) return
    const request = {
      group,
      members: classic.map(({ memberId, instanceId }) => ({ memberId, groupInstanceId: instanceId })),
    }
    const { errorCode } = await this.#cluster.wire.request(coordinatorOf(group), leaveGroup, request, LIMIT)
    if (errorCode !== KafkaError.NONE) {
      throw refusedByCoordinator(this.#cluster, group, errorCode, 'sending away the members of')
    }
  }

  /** As nobody, which the coordinator takes while the group has no members. Parked keys are forgotten. */
  async #store(
    group: string,
    offsets: readonly (TopicPartition & { readonly offset: number })[],
  ): Promise<void> {
    const request = {
      group,
      generation: -1,
      memberId: '',
      groupInstanceId: null,
      partitions: offsets.map((offset) => ({ ...offset, leaderEpoch: -1, metadata: '' })),
    }
    const answers = await this.#cluster.wire.request(coordinatorOf(group), offsetCommit, request, LIMIT)
    const code = answers.find(({ errorCode }) => errorCode !== KafkaError.NONE)?.errorCode
    if (code !== undefined) throw refusedByCoordinator(this.#cluster, group, code, 'moving')
  }
}

function stateOf({ stable, members }: GroupView): GroupDescription['state'] {
  if (members.length === 0) return 'empty'
  return stable ? 'stable' : 'rebalancing'
}
