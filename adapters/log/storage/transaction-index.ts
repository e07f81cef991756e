import type { AbortedTransaction } from '../../../src/formats/record-batch/index.ts'

/** An aborted transaction, kept with the segment that holds its marker. */
export interface AbortedEntry extends AbortedTransaction {
  /** The offset of the abort marker. */
  readonly lastOffset: number
  /** The partition's last stable offset once the marker was written: later entries cannot reach below it. */
  readonly lastStableOffset: number
}

const ENTRY_BYTES = 34
const VERSION = 0

/** A `.txnindex` file in Kafka's format (`AbortedTxn`): int16 version, then four int64, big-endian, by `lastOffset`. */
export function encodeAborted(entries: readonly AbortedEntry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * ENTRY_BYTES)
  let at = 0
  for (const entry of entries) {
    bytes.writeInt16BE(VERSION, at)
    bytes.writeBigInt64BE(BigInt(entry.producerId), at + 2)
    bytes.writeBigInt64BE(BigInt(entry.firstOffset), at + 10)
    bytes.writeBigInt64BE(BigInt(entry.lastOffset), at + 18)
    bytes.writeBigInt64BE(BigInt(entry.lastStableOffset), at + 26)
    at += ENTRY_BYTES
  }
  return bytes
}

/**
 * Undefined where the bytes cannot be those of a segment from `baseOffset` up to `nextOffset`, or are missing: find
 * the markers in the log again.
 */
export function decodeAborted(
  bytes: Buffer | undefined,
  baseOffset: number,
  nextOffset: number,
): AbortedEntry[] | undefined {
  if (bytes === undefined || bytes.length % ENTRY_BYTES !== 0) return undefined
  const entries: AbortedEntry[] = []
  let previous = baseOffset - 1
  for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
    const entry = {
      producerId: Number(bytes.readBigInt64BE(at + 2)),
      firstOffset: Number(bytes.readBigInt64BE(at + 10)),
      lastOffset: Number(bytes.readBigInt64BE(at + 18)),
      lastStableOffset: Number(bytes.readBigInt64BE(at + 26)),
    }
    const fits =
      bytes.readInt16BE(at) === VERSION &&
      entry.producerId >= 0 &&
      entry.firstOffset >= 0 &&
      entry.firstOffset < entry.lastOffset &&
      entry.lastOffset > previous &&
      entry.lastOffset < nextOffset &&
      entry.lastStableOffset >= 0 &&
      entry.lastStableOffset <= entry.lastOffset + 1
    if (!fits) return undefined
    previous = entry.lastOffset
    entries.push(entry)
  }
  return entries
}
