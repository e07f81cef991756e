import { setTimeout as sleep } from 'node:timers/promises'
import { type Assignment, StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { KafkaCluster } from '../parts.ts'
import { KafkaError } from '../wire/error-codes.ts'
import type { TopicPartition } from '../wire/protocol/by-topic.ts'
import { coordinatorOf, REQUEST_MS, refusedByCoordinator } from './group-requests.ts'
import type { Membership } from './membership.ts'

/** A checkpoint to store, and where in the call it stood. */
export interface OffsetOf extends TopicPartition {
  readonly assignment: Assignment
  readonly index: number
  readonly offset: number
  readonly leaderEpoch: number
  readonly metadata: string
}

export interface StoreOffsets {
  readonly offsets: readonly OffsetOf[]
  /** Why an assignment is not the member's any more. Asked before each attempt. */
  fenced(assignment: Assignment): StreamError | undefined
  stored(offset: OffsetOf): void
  failed(offset: OffsetOf, error: StreamError): void
}

/** Elections and rebalances pass within this. Milliseconds. */
const PATIENCE_MS = 20_000

/**
 * Stores checkpoints under the member's generation, again while coordinators move and the group is rebalanced, as long as the
 * assignments are the member's. What the coordinator takes under a generation is the owner's: nobody else was dealt the
 * partition by then, and in the next generation it is refused. Settles each offset once; never rejects.
 */
export async function storeOffsets(
  cluster: KafkaCluster,
  group: string,
  membership: Membership,
  { offsets, fenced, stored, failed }: StoreOffsets,
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  let left = [...offsets]
  for (let pauseMs = 10; ; pauseMs = Math.min(500, pauseMs * 2)) {
    left = left.filter((offset) => {
      const error = fenced(offset.assignment)
      if (error !== undefined) failed(offset, error)
      return error === undefined
    })
    if (left.length === 0) return
    const { moved } = membership
    let trouble: StreamError
    try {
      const answers = await attempt(left)
      ;[left, trouble] = settle(left, answers)
    } catch (error) {
      trouble = classify(error)
      if (!trouble.retryable) {
        for (const offset of left) failed(offset, trouble)
        return
      }
    }
    if (left.length === 0) return
    if (performance.now() > deadline) {
      const late = new StreamError('UNAVAILABLE', trouble.message, { cause: trouble })
      for (const offset of left) failed(offset, late)
      return
    }
    const timer = new AbortController()
    await Promise.race([moved, sleep(pauseMs, undefined, { signal: timer.signal }).catch(() => {})])
    timer.abort()
  }

  async function attempt(partitions: readonly OffsetOf[]): Promise<Map<OffsetOf, number>> {
    const { memberId, instanceId, generation, lane, offsetCommit } = membership
    const codes = new Map<OffsetOf, number>()
    // The same partition twice in a call: the later one is what stands in the end.
    for (const round of distinct(partitions)) {
      const request = { group, memberId, generation, groupInstanceId: instanceId, partitions: round }
      const options = { lane, timeoutMs: REQUEST_MS }
      const answers = await cluster.wire.request(coordinatorOf(group), offsetCommit, request, options)
      for (const offset of round) {
        const answer = answers.find(
          ({ topic, partition }) => topic === offset.topic && partition === offset.partition,
        )
        codes.set(offset, answer?.errorCode ?? KafkaError.UNKNOWN_SERVER_ERROR)
      }
      const code = codes.get(round[0]!)
      if (code === KafkaError.UNKNOWN_MEMBER_ID) membership.expel(memberId)
      // Not while it joins anyway: the assignment that comes is under the new one.
      if (
        (code === KafkaError.ILLEGAL_GENERATION || code === KafkaError.STALE_MEMBER_EPOCH) &&
        generation === membership.generation &&
        !membership.joining
      ) {
        membership.rejoin()
      }
    }
    return codes
  }

  /** What is to be tried again, and why. */
  function settle(
    tried: readonly OffsetOf[],
    codes: ReadonlyMap<OffsetOf, number>,
  ): [OffsetOf[], StreamError] {
    const again: OffsetOf[] = []
    let trouble = new StreamError('UNAVAILABLE', 'no answer')
    for (const offset of tried) {
      const code = codes.get(offset)!
      if (code === KafkaError.NONE) {
        stored(offset)
        continue
      }
      const error = refusedByCoordinator(cluster, group, code, 'storing checkpoints of')
      if (error.retryable || error.code === 'FENCED') {
        trouble = error
        again.push(offset)
      } else failed(offset, error)
    }
    return [again, trouble]
  }
}

function distinct(offsets: readonly OffsetOf[]): OffsetOf[][] {
  const rounds: Map<string, OffsetOf>[] = []
  for (const offset of offsets) {
    const key = `${offset.topic}/${offset.partition}`
    let round = rounds.find((it) => !it.has(key))
    if (round === undefined) rounds.push((round = new Map()))
    round.set(key, offset)
  }
  return rounds.map((round) => [...round.values()])
}
