import type { ConsumedBatch } from '../batch.ts'
import type { DriverTransaction, GroupMember } from '../driver.ts'
import { StreamError } from '../errors.ts'
import { LazyBatch, type LazyRecord } from '../lazy-record.ts'
import type { PartitionSession } from './partition-session.ts'
import type { WorkEntry } from './work-entry.ts'

/** What a batch needs to be checkpointed. */
export interface BatchHost {
  readonly member: Promise<GroupMember>
  store(session: PartitionSession): Promise<void>
}

/** Records of one entry that a group's member holds. */
export class CoreConsumedBatch extends LazyBatch implements ConsumedBatch<LazyRecord> {
  /** @internal */
  readonly session: PartitionSession
  /** @internal */
  readonly entry: WorkEntry
  /** It was checkpointed. @internal */
  stored = false
  /** Called when it is. @internal */
  onStored: (() => void) | undefined
  private readonly until: number
  private readonly host: BatchHost

  /** Records `from … to - 1` of the entry, or of these only the `picked` ones. */
  constructor(
    host: BatchHost,
    session: PartitionSession,
    entry: WorkEntry,
    from: number,
    to: number,
    picked?: Int32Array,
  ) {
    super(entry.batch, session.topic, from, to, picked, entry.records)
    this.host = host
    this.session = session
    this.entry = entry
    this.until = to
  }

  get signal(): AbortSignal {
    return this.session.signal
  }

  async checkpoint(): Promise<void> {
    this.refuseGone()
    this.session.finishThrough(this.entry, this.until)
    await this.host.store(this.session)
    this.noteStored()
  }

  /** The checkpoint as part of a transaction. @internal */
  async checkpointIn(transaction: DriverTransaction): Promise<void> {
    this.refuseGone()
    const { assignment, parked } = this.session
    const state = parked.dirty ? parked.encode() : undefined
    await transaction.checkpoint(await this.host.member, [{ assignment, checkpoint: this.end, state }])
  }

  /** The transaction was committed. @internal */
  checkpointed(): void {
    this.session.finishThrough(this.entry, this.until)
    this.session.persisted = this.end
    this.noteStored()
  }

  private noteStored(): void {
    this.stored = true
    this.onStored?.()
  }

  private refuseGone(): void {
    if (!this.session.gone) return
    const { topic, partition } = this.session.assignment
    throw new StreamError(
      'FENCED',
      `${topic}/${partition} is not this member's any more: stop working on the batch, its new owner gets it again.`,
      { topic, partition },
    )
  }
}
