import { type ParkingTicket, redriveHeaders } from '../dead-letter-headers.ts'
import type { FetchedBatch } from '../driver.ts'
import type { Header } from '../record.ts'
import type { PartitionSession } from './partition-session.ts'

/**
 * What is to become of a record before its handler sees it. `pass`: nothing, it is another group's or was dealt with;
 * `park`: its key is parked; `early`: it comes back from parking, ahead of its turn; `handle`, or a ticket where it comes back
 * in its turn: the handler's.
 */
export type Admission = 'handle' | 'pass' | 'park' | 'early' | ParkingTicket

/** To be asked when the record's turn has come: earlier records of its key decide. */
export function admit(session: PartitionSession, batch: FetchedBatch, index: number): Admission {
  if (batch.mayHaveHeaders?.(index) !== false) {
    const headers = batch.headers(index)
    const only = textOf(headers, redriveHeaders.only)
    if (only !== undefined && only !== session.group) return 'pass'
    const ticket = ticketOf(headers)
    if (ticket?.group === session.group) {
      const turn = session.parked.turnOf(batch.key(index), ticket)
      if (turn === 'over') return 'pass'
      return turn === 'now' ? ticket : 'early'
    }
  }
  if (session.parked.size === 0) return 'handle'
  const key = batch.key(index)
  if (key === null || !session.parked.has(key)) return 'handle'
  return session.parked.knows(key, batch.position(index), session.comparePositions) ? 'pass' : 'park'
}

/** The ticket under which a record comes back from parking. */
export function ticketOf(headers: readonly Header[]): ParkingTicket | undefined {
  const text = textOf(headers, redriveHeaders.parked)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as ParkingTicket
  } catch {
    // Somebody else's header of that name: the record is an ordinary one.
    return undefined
  }
}

function textOf(headers: readonly Header[], name: string): string | undefined {
  const value = headers.findLast((header) => header.name === name)?.value
  return value == null ? undefined : Buffer.from(value).toString()
}
