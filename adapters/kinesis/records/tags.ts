import { isUtf8 } from 'node:buffer'
import type { Header } from '../../../src/driver.ts'
import { varintBytes, writeBytes, writeVarint } from './protobuf.ts'

// What a record has beyond key and data travels as KPL's tags, which readers that know only KPL ignore. A header is a tag of its
// name; ours begin with this, and headers that do so too are written behind another prefix.
export const OURS = 'millrace.'
/** The key in base64 where the partition key is not it; without value: a null key. */
export const KEY_TAG = `${OURS}key`
/** `null`: a tombstone. */
export const VALUE_TAG = `${OURS}value`
/** The producer's time in milliseconds since the epoch. */
export const TIMESTAMP_TAG = `${OURS}timestamp`
/** With `SEQUENCE_TAG`, by which a record that was written twice is known. */
export const PRODUCER_TAG = `${OURS}producer`
export const SEQUENCE_TAG = `${OURS}sequence`
/** Before the name of a header whose value is not UTF-8 and stands in base64. */
export const BASE64_PREFIX = `${OURS}base64.`
/** Before the name of a header that begins like ours. */
export const ESCAPE_PREFIX = `${OURS}header.`

/** Fields of KPL's Record and Tag, each with the wire type of bytes. */
export const TAGS_FIELD = 0x22
export const TAG_KEY_FIELD = 0x0a
export const TAG_VALUE_FIELD = 0x12

/** Gathers the tags of one record and encodes them as they stand in an aggregate. For use again after `finish`. */
export class TagsWriter {
  #names: Uint8Array[] = []
  #values: (Uint8Array | undefined)[] = []
  #sizeBytes = 0

  add(name: string, value: string | undefined): void {
    this.#add(Buffer.from(name), value === undefined ? undefined : Buffer.from(value))
  }

  addHeader({ name, value }: Header): void {
    const binary = value !== null && !isUtf8(value)
    const prefix = binary ? BASE64_PREFIX : name.startsWith(OURS) ? ESCAPE_PREFIX : ''
    const text = binary ? Buffer.from(asBuffer(value).toString('base64')) : (value ?? undefined)
    this.#add(Buffer.from(prefix + name), text)
  }

  finish(): Uint8Array {
    const bytes = Buffer.allocUnsafe(this.#sizeBytes)
    let at = 0
    this.#names.forEach((name, i) => {
      const value = this.#values[i]
      bytes[at++] = TAGS_FIELD
      at = writeVarint(bytes, at, tagBytes(name, value))
      bytes[at++] = TAG_KEY_FIELD
      at = writeBytes(bytes, writeVarint(bytes, at, name.length), name)
      if (value === undefined) return
      bytes[at++] = TAG_VALUE_FIELD
      at = writeBytes(bytes, writeVarint(bytes, at, value.length), value)
    })
    this.#names = []
    this.#values = []
    this.#sizeBytes = 0
    return bytes
  }

  #add(name: Uint8Array, value: Uint8Array | undefined): void {
    this.#names.push(name)
    this.#values.push(value)
    const size = tagBytes(name, value)
    this.#sizeBytes += 1 + varintBytes(size) + size
  }
}

function tagBytes(name: Uint8Array, value: Uint8Array | undefined): number {
  const size = 1 + varintBytes(name.length) + name.length
  return value === undefined ? size : size + 1 + varintBytes(value.length) + value.length
}

/** A view of the same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
