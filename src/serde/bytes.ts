import type { Serde } from './serde.ts'

/** Bytes as they are: nothing is copied, so do not write to what was sent or received. */
export function bytes(): Serde<Uint8Array> {
  return { name: 'bytes', encode: (value) => value, decode: (value) => value }
}
