import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Acknowledgement,
  type CheckpointUpdate,
  type DriverTransaction,
  type EncodedRecord,
  type GroupMember,
  StreamError,
} from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { KafkaGroupMember } from '../parts.ts'
import type { ProduceEngine } from '../producing/produce-engine.ts'
import { KafkaError } from '../wire/error-codes.ts'
import { endTxn } from '../wire/protocol/end-txn.ts'
import { txnOffsetCommit } from '../wire/protocol/txn-offset-commit.ts'
import type { KafkaWire } from '../wire/wire.ts'
import { awaitMarkers } from './await-markers.ts'
import { askCoordinator } from './coordinator.ts'
import type { TransactionalIdentity } from './transactional-identity.ts'

/** How long the end of a transaction is asked for: after that nobody can say whether it was committed. */
const END_DEADLINE_MS = 60_000

const REBALANCE_PAUSE_MS = 20

/** One transaction: records and checkpoints that take effect together. */
export class KafkaTransaction implements DriverTransaction {
  readonly #wire: KafkaWire
  readonly #identity: TransactionalIdentity
  readonly #engine: ProduceEngine
  readonly #timeoutMs: number
  readonly #checkpoints = new Set<Promise<void>>()
  #failure: StreamError | undefined
  isOpen = true

  constructor(wire: KafkaWire, identity: TransactionalIdentity, engine: ProduceEngine, timeoutMs: number) {
    this.#wire = wire
    this.#identity = identity
    this.#engine = engine
    this.#timeoutMs = timeoutMs
  }

  async send(topic: string, records: readonly EncodedRecord[]): Promise<Acknowledgement> {
    this.#checkOpen()
    try {
      return await this.#engine.send(topic, records).result
    } catch (error) {
      this.#failure ??= classify(error)
      throw error
    }
  }

  async checkpoint(member: GroupMember, updates: readonly CheckpointUpdate[]): Promise<void> {
    this.#checkOpen()
    if (!isKafkaMember(member)) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        'a member of another backend: checkpoint in a transaction of its own',
      )
    }
    const done = this.#checkpoint(member, updates)
    this.#checkpoints.add(done)
    try {
      await done
    } catch (error) {
      this.#failure ??= classify(error)
      throw error
    } finally {
      this.#checkpoints.delete(done)
    }
  }

  async commit(): Promise<void> {
    this.#checkOpen()
    await this.#settled()
    const failure = this.#failure ?? this.#identity.failure
    if (failure !== undefined) {
      await this.abort()
      throw failure
    }
    this.isOpen = false
    await this.#end(true)
  }

  async abort(): Promise<void> {
    if (!this.isOpen) return
    this.isOpen = false
    await this.#settled()
    await this.#end(false)
  }

  /** Again while the group is rebalanced, as long as the assignments are the member's: their generation alone has gone by. */
  async #checkpoint(member: KafkaGroupMember, updates: readonly CheckpointUpdate[]): Promise<void> {
    const deadline = performance.now() + this.#timeoutMs
    for (;;) {
      // Rejects FENCED when they are another's by now.
      const { group, memberId, generation, groupInstanceId, offsets } = member.offsetCommit(updates)
      if (offsets.length === 0) return
      await this.#identity.addGroup(group)
      let code: number = KafkaError.NONE
      try {
        await askCoordinator(
          this.#wire,
          { kind: 'group', group },
          txnOffsetCommit,
          { ...this.#identity.ref, group, memberId, generation, groupInstanceId, offsets },
          `checkpointing group '${group}' in a transaction`,
          (results) => {
            code =
              results.find(({ errorCode }) => errorCode !== KafkaError.NONE)?.errorCode ?? KafkaError.NONE
            return code
          },
          deadline,
        )
        return
      } catch (error) {
        const moved = code === KafkaError.ILLEGAL_GENERATION || code === KafkaError.REBALANCE_IN_PROGRESS
        if (!moved || performance.now() + REBALANCE_PAUSE_MS > deadline) throw error
        await sleep(REBALANCE_PAUSE_MS)
      }
    }
  }

  async #end(commit: boolean): Promise<void> {
    const identity = this.#identity
    if (!identity.hasBegun) return
    const { transactionalId } = identity
    try {
      await askCoordinator(
        this.#wire,
        { kind: 'transaction', transactionalId },
        endTxn,
        { ...identity.ref, commit },
        `${commit ? 'committing' : 'aborting'} a transaction of '${transactionalId}'`,
        ({ errorCode }) => errorCode,
        performance.now() + END_DEADLINE_MS,
      )
      identity.reset()
      await awaitMarkers(this.#wire, transactionalId)
    } catch (error) {
      identity.fail(classify(error))
      throw error
    }
  }

  /** Nothing is on its way any more: what came after the end would be part of the next transaction. */
  async #settled(): Promise<void> {
    await this.#engine.idle()
    await Promise.allSettled(this.#checkpoints)
  }

  #checkOpen(): void {
    if (!this.isOpen) throw new StreamError('INVALID_ARGUMENT', 'the transaction is over: begin another one')
  }
}

function isKafkaMember(member: GroupMember): member is KafkaGroupMember {
  return 'offsetCommit' in member && typeof member.offsetCommit === 'function'
}
