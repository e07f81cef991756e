import type { CheckpointUpdate, Driver, GroupMember } from '../driver.ts'
import type { StreamError } from '../errors.ts'
import type { PartitionSession } from './partition-session.ts'

/** Stores checkpoints, one call to the backend at a time, so that none overtakes another. */
export class Checkpointer {
  private readonly driver: Driver
  private readonly member: Promise<GroupMember>
  private readonly onFenced: (session: PartitionSession) => void
  private last: Promise<unknown> = Promise.resolve()

  constructor(driver: Driver, member: Promise<GroupMember>, onFenced: (session: PartitionSession) => void) {
    this.driver = driver
    this.member = member
    this.onFenced = onFenced
  }

  /**
   * Stores what has moved. Resolves with an error for each session that could not be stored: FENCED ones are over, the
   * others are tried again with the next call.
   */
  store(sessions: readonly PartitionSession[]): Promise<Map<PartitionSession, StreamError>> {
    const stored = this.last.then(() => this.write(sessions))
    this.last = stored
    return stored
  }

  private async write(sessions: readonly PartitionSession[]): Promise<Map<PartitionSession, StreamError>> {
    const failed = new Map<PartitionSession, StreamError>()
    const moved = sessions.filter((session) => updateOf(session) !== undefined)
    if (moved.length === 0) return failed
    const updates = moved.map((session) => updateOf(session) as CheckpointUpdate)
    for (const session of moved) {
      session.unsaved = 0
      session.parked.dirty = false
    }
    const results = await this.send(updates)
    moved.forEach((session, i) => {
      const update = updates[i] as CheckpointUpdate
      const error = results[i]
      if (error === undefined) {
        session.persisted = update.checkpoint
        session.endStored ||= update.ended === true
        return
      }
      failed.set(session, error)
      if (update.state) session.parked.dirty = true
      if (error.code === 'FENCED') this.onFenced(session)
    })
    return failed
  }

  private async send(updates: readonly CheckpointUpdate[]): Promise<readonly (StreamError | undefined)[]> {
    try {
      const member = await this.member
      return await member.checkpoint(updates)
    } catch (error) {
      const failed = this.driver.classify(error)
      return updates.map(() => failed)
    }
  }
}

/** What there is to store of a session; undefined when nothing moved or it is over. */
export function updateOf(session: PartitionSession): CheckpointUpdate | undefined {
  const { assignment, checkpoint, parked } = session
  if (session.gone || checkpoint === undefined) return undefined
  const ends = session.complete && !session.endStored
  if (checkpoint === session.persisted && !parked.dirty && !ends) return undefined
  return {
    assignment,
    checkpoint,
    ...(parked.dirty && { state: parked.encode() }),
    ...(ends && { ended: true }),
  }
}
