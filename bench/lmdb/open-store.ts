import path from 'node:path'
import { open as openLmdb, type RootDatabase } from 'lmdb'
import type { Task } from '../harness/contender.ts'
import { keyOf } from '../harness/records.ts'

/** Positions to bytes. `sync: false`: commits are left to the system to put on the disk. */
export function openStore({ folder, settings }: Task): RootDatabase<Buffer, number> {
  return openLmdb<Buffer, number>({
    path: path.join(folder, 'records.lmdb'),
    encoding: 'binary',
    noSync: settings.sync === false,
    // A write transaction on this thread ends with its commit on the disk, as an acknowledgement does.
    overlappingSync: false,
  })
}

/** Key and value in one, behind the key's length; the memory is used again by the next call. */
export class EntryWriter {
  private readonly buffer: Buffer

  constructor(valueBytes: number) {
    this.buffer = Buffer.alloc(valueBytes + 32)
  }

  write(value: Buffer): Buffer {
    const { buffer } = this
    const key = keyOf(value)
    buffer[0] = key.length
    key.copy(buffer, 1)
    value.copy(buffer, 1 + key.length)
    return buffer.subarray(0, 1 + key.length + value.length)
  }
}
