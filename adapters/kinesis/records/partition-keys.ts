import { isUtf8 } from 'node:buffer'
import { hash, randomFillSync } from 'node:crypto'
import { murmur2 } from '../../../src/formats/murmur2.ts'
import { md5Number } from './md5.ts'
import { asBuffer, KEY_TAG } from './tags.ts'

/** The service's limit, in UTF-16 units, as Java counts them. */
export const MAX_PARTITION_KEY_LENGTH = 256

/** How a record's key is written. */
export interface PartitionKey {
  readonly text: string
  readonly utf8: Uint8Array
  /** The MD5 of `utf8`, by which the service routes. */
  readonly hashKey: bigint
  /** What a tag has to say of the key; null where the partition key is the key. */
  readonly tag: { readonly name: string; readonly value: string | undefined } | null
}

interface Remembered {
  readonly key: Uint8Array
  readonly made: PartitionKey
}

const SETS = 16_384
// Null keys change so seldom that the hash costs little, and often enough that shards share them evenly.
const RECORDS_A_RANDOM_KEY = 4

/**
 * Makes partition keys of keys, and remembers those of late: two for each of 16,384 hashes, a few megabytes at most. Equal keys give
 * equal partition keys in every process; one a producer.
 */
export class PartitionKeys {
  readonly #newest: (Remembered | undefined)[] = new Array<undefined>(SETS).fill(undefined)
  readonly #older: (Remembered | undefined)[] = new Array<undefined>(SETS).fill(undefined)
  #random: PartitionKey | undefined
  #randomUses = 0

  of(key: Uint8Array | null): PartitionKey {
    if (key === null) return this.#ofNull()
    const set = murmur2(key) & (SETS - 1)
    const newest = this.#newest[set]
    if (newest !== undefined && equal(newest.key, key)) return newest.made
    const older = this.#older[set]
    if (older !== undefined && equal(older.key, key)) return older.made
    // A copy: what was handed over may be a view of something large.
    const copy = Buffer.from(key)
    const made = partitionKeyOf(copy)
    if (copy.length <= MAX_PARTITION_KEY_LENGTH) {
      this.#older[set] = newest
      this.#newest[set] = { key: copy, made }
    }
    return made
  }

  #ofNull(): PartitionKey {
    if (this.#random === undefined || this.#randomUses === RECORDS_A_RANDOM_KEY) {
      const utf8 = Buffer.from(randomFillSync(Buffer.allocUnsafe(8)).toString('hex'))
      const tag = { name: KEY_TAG, value: undefined }
      this.#random = { text: utf8.toString('latin1'), utf8, hashKey: md5Number(utf8), tag }
      this.#randomUses = 0
    }
    this.#randomUses++
    return this.#random
  }
}

/** Not remembered; see the README for what becomes of keys that are no partition keys. */
function partitionKeyOf(key: Buffer): PartitionKey {
  if (key.length > 0 && isUtf8(key)) {
    const text = key.toString('utf8')
    if (text.length <= MAX_PARTITION_KEY_LENGTH) {
      return { text, utf8: key, hashKey: md5Number(key), tag: null }
    }
  }
  const text = hash('md5', key)
  const utf8 = Buffer.from(text, 'latin1')
  const tag = { name: KEY_TAG, value: asBuffer(key).toString('base64') }
  return { text, utf8, hashKey: md5Number(utf8), tag }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  const length = a.length
  if (length !== b.length) return false
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false
  return true
}
