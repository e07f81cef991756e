import type { ParkingTicket } from '../dead-letter-headers.ts'
import { StreamError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { ticketOf } from './admission.ts'
import type { ConsumerCounters } from './consumer-counters.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { PartitionSession } from './partition-session.ts'
import type { PoisonPolicy } from './poison-policy.ts'
import type { WorkEntry } from './work-entry.ts'

/** A record that will not be tried again. */
export interface Poison {
  readonly session: PartitionSession
  readonly entry: WorkEntry
  readonly index: number
  readonly error: unknown
  readonly attempts: number
  /** Where it came back from parking. */
  readonly ticket: ParkingTicket | undefined
}

/** Does with poison records what the policy says. Resolves when the record may count as done; rejects when the consumer must stop. */
export class PoisonHandler {
  private readonly policy: PoisonPolicy
  private readonly letters: DeadLetters | undefined
  private readonly counters: ConsumerCounters
  private readonly logger: Logger

  constructor(
    policy: PoisonPolicy,
    letters: DeadLetters | undefined,
    counters: ConsumerCounters,
    logger: Logger,
  ) {
    this.policy = policy
    this.letters = letters
    this.counters = counters
    this.logger = logger
  }

  async handle(poison: Poison): Promise<void> {
    const { session, entry, index, error } = poison
    const { batch } = entry
    switch (this.policy.kind) {
      case 'stop':
        throw error
      case 'skip':
        this.counters.skipped++
        this.logger.warn('skipped a record whose handler failed', {
          topic: batch.topic,
          partition: batch.partition,
          position: batch.position(index),
          error: String(error),
        })
        return
      case 'dead-letter':
        await this.letters?.write({ ...poison, batch, ticket: undefined }, session.signal)
        this.counters.deadLettered++
        return
      case 'park':
        await this.park(poison, this.policy.maxKeys)
        this.counters.deadLettered++
    }
  }

  /** Sets a record aside whose key is parked already; its handler was not called. */
  async follow(session: PartitionSession, entry: WorkEntry, index: number): Promise<void> {
    const error = 'its key is parked: an earlier record of the key failed'
    await this.handle({ session, entry, index, error, attempts: 0, ticket: undefined })
    this.counters.parked++
  }

  /** Sets a record aside again that came back ahead of its turn: what is sent back later finds it at the end. */
  async again(session: PartitionSession, entry: WorkEntry, index: number): Promise<void> {
    const error = 'it was sent back before the records that were parked ahead of it'
    const ticket = ticketOf(entry.batch.headers(index))
    await this.handle({ session, entry, index, error, attempts: 0, ticket })
    this.counters.parked++
  }

  private async park(poison: Poison, maxKeys: number): Promise<void> {
    const { session, entry, index } = poison
    const { batch } = entry
    const key = batch.key(index)
    // Without a key there is no order to keep; and what came back keeps its place in the queue.
    let ticket = poison.ticket
    if (key !== null && ticket === undefined) {
      if (!session.parked.has(key)) this.checkRoom(poison, maxKeys)
      ticket = session.parked.park(key, batch.position(index))
      if (session.parked.encode().length > session.maxStateBytes)
        throw this.full(poison, `${session.maxStateBytes} bytes`)
    }
    await this.letters?.write({ ...poison, batch, ticket }, session.signal)
  }

  private checkRoom(poison: Poison, maxKeys: number): void {
    if (poison.session.parked.size >= maxKeys) throw this.full(poison, `${maxKeys} keys`)
  }

  private full({ session, entry, index, error }: Poison, limit: string): StreamError {
    const { topic, partition } = session.assignment
    const letters = this.policy.kind === 'park' ? this.policy.topic : ''
    return new StreamError(
      'INTERNAL',
      `group "${session.group}" has parked ${limit} in ${topic}/${partition}, and another key failed: mend the handler, send the ` +
        `parked records back (millrace replay …/${letters} …/${topic}), or raise maxKeys.`,
      { topic, partition, position: entry.batch.position(index), cause: error },
    )
  }
}
