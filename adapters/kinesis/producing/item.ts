import { murmur2 } from '../../../src/formats/murmur2.ts'
import type { WireRecord } from '../parts.ts'
import type { SendCall } from './send-call.ts'

/** One record of a call on its way into the stream. */
export class Item {
  readonly call: SendCall
  readonly index: number
  readonly wire: WireRecord
  /** The shard that the caller chose. */
  readonly partition: string | undefined
  /** Of equal ones only one is on its way at a time: a hash of the key; -1 for a record that has no order. */
  readonly turn: number
  /** The next record of the same key, which waits for this one. */
  next: Item | undefined = undefined

  constructor(call: SendCall, index: number, wire: WireRecord, strict: boolean) {
    const { key, partition } = call.records[index]!
    this.call = call
    this.index = index
    this.wire = wire
    this.partition = partition
    this.turn = strict && key !== null ? murmur2(key) & 0x3fffffff : -1
  }
}
