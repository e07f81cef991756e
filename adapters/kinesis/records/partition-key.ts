import { isUtf8 } from 'node:buffer'
import { hash, randomFillSync } from 'node:crypto'
import { hashOfWords } from './md5.ts'
import { asBuffer, KEY_TAG } from './tags.ts'

/** The service's limit, in UTF-16 units, as Java counts them. */
export const MAX_PARTITION_KEY_LENGTH = 256

/** How a record's key is written. Its hash is there after `hashKeys` alone. */
export class PartitionKey {
  readonly utf8: Uint8Array
  /** What a tag has to say of the key; null where the partition key is the key. */
  readonly tag: { readonly name: string; readonly value: string | undefined } | null
  /** The words of its MD5, each a signed number, the first byte the highest. */
  word0 = 0
  word1 = 0
  word2 = 0
  word3 = 0
  /** Where an aggregate's table has it: noted by `AggregateWriter`. */
  aggregate = 0
  place = 0
  #text: string | undefined
  #hashKey: bigint | undefined

  constructor(utf8: Uint8Array, tag: PartitionKey['tag'], text?: string) {
    this.utf8 = utf8
    this.tag = tag
    this.#text = text
  }

  get text(): string {
    return (this.#text ??= asBuffer(this.utf8).toString('utf8'))
  }

  /** The MD5 of `utf8`, by which the service routes. */
  get hashKey(): bigint {
    return (this.#hashKey ??= hashOfWords(this.word0, this.word1, this.word2, this.word3))
  }
}

/** Equal keys give equal partition keys in every process. An empty key, one that is no UTF-8 and one that is too long is replaced by its MD5 in hexadecimal digits. */
export function partitionKeyOf(key: Uint8Array): PartitionKey {
  const { length } = key
  if (length > 0 && length <= 4 * MAX_PARTITION_KEY_LENGTH) {
    let bits = 0
    for (let i = 0; i < length; i++) bits |= key[i]!
    if (bits < 0x80) {
      if (length <= MAX_PARTITION_KEY_LENGTH) return new PartitionKey(key, null)
    } else if (isUtf8(key)) {
      const text = asBuffer(key).toString('utf8')
      if (text.length <= MAX_PARTITION_KEY_LENGTH) return new PartitionKey(key, null, text)
    }
  }
  return madeOf(hash('md5', key), asBuffer(key).toString('base64'))
}

/** For records without key: a random one. */
export function randomPartitionKey(): PartitionKey {
  return madeOf(randomFillSync(Buffer.allocUnsafe(8)).toString('hex'), undefined)
}

function madeOf(text: string, value: string | undefined): PartitionKey {
  return new PartitionKey(Buffer.from(text, 'latin1'), { name: KEY_TAG, value }, text)
}
