import { bytes, type Topic, topic } from '../index.ts'

/** A topic whose keys and values stay the bytes they are. */
export function bytesTopic(name: string): Topic<Uint8Array, Uint8Array, Uint8Array> {
  return topic(name, { value: bytes(), keySerde: bytes() })
}
