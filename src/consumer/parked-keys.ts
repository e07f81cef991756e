import type { ParkingTicket } from '../dead-letter-headers.ts'
import type { Position } from '../position.ts'

interface ParkedKey {
  /** The position that got the key parked. */
  readonly id: Position
  /** The newest record of this partition that was set aside; null: so far only a parent's were. */
  last: Position | null
  /** Records set aside. */
  count: number
  /** Of these, handled after they were sent back. */
  released: number
}

/** What is stored: one array a key, short because backends bound it. */
type Stored = [key: string, id: Position, last: Position | null, count: number, released: number]

/** The keys of one partition whose records go to the dead-letter topic for now. Stored with the group's checkpoints. */
export class ParkedKeys {
  private readonly group: string
  private readonly keys = new Map<string, ParkedKey>()
  /** Changed since `encode` was last stored. */
  dirty = false

  /** `inherited`: stored for the parents of this partition, whose positions say nothing here. */
  constructor(group: string, stored: readonly Uint8Array[], inherited = false) {
    this.group = group
    for (const bytes of stored) {
      for (const [key, id, last, count, released] of JSON.parse(Buffer.from(bytes).toString()) as Stored[]) {
        this.keys.set(key, { id, last: inherited ? null : last, count, released })
      }
    }
    // What comes from a parent partition is this one's to store from now on.
    this.dirty = stored.length > 0
  }

  get size(): number {
    return this.keys.size
  }

  has(key: Uint8Array | null): boolean {
    return key !== null && this.keys.has(nameOf(key))
  }

  /** Whether a record of a parked key was set aside before (it is read again after a crash). */
  knows(key: Uint8Array, position: Position, compare: (a: Position, b: Position) => number): boolean {
    const parked = this.keys.get(nameOf(key))
    return parked !== undefined && parked.last !== null && compare(position, parked.last) <= 0
  }

  /** Takes a place for a record in its key's queue; the first record parks the key. */
  park(key: Uint8Array, position: Position): ParkingTicket {
    const name = nameOf(key)
    let parked = this.keys.get(name)
    if (parked === undefined) {
      parked = { id: position, last: position, count: 0, released: 0 }
      this.keys.set(name, parked)
    }
    parked.last = position
    parked.count++
    this.dirty = true
    return { group: this.group, id: parked.id, seq: parked.count }
  }

  /** Whose turn it is when a record was sent back: `over` when it was handled before, or the key was freed since. */
  turnOf(key: Uint8Array | null, ticket: ParkingTicket): 'over' | 'now' | 'later' {
    const parked = key === null ? undefined : this.keys.get(nameOf(key))
    if (parked === undefined || parked.id !== ticket.id || ticket.seq <= parked.released) return 'over'
    return ticket.seq === parked.released + 1 ? 'now' : 'later'
  }

  /** A record that was sent back has been handled. With the last one the key is free again. */
  release(key: Uint8Array, ticket: ParkingTicket): void {
    const name = nameOf(key)
    const parked = this.keys.get(name)
    if (parked === undefined || parked.id !== ticket.id) return
    parked.released = ticket.seq
    if (parked.released >= parked.count) this.keys.delete(name)
    this.dirty = true
  }

  clear(): void {
    this.dirty ||= this.keys.size > 0
    this.keys.clear()
  }

  encode(): Uint8Array {
    const stored: Stored[] = []
    for (const [key, { id, last, count, released }] of this.keys)
      stored.push([key, id, last, count, released])
    return Buffer.from(JSON.stringify(stored))
  }
}

/** Keys are bytes; base64 tells any two apart. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('base64')
}
