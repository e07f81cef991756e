import { isUtf8 } from 'node:buffer'
import { hash, randomFillSync } from 'node:crypto'
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

/**
 * Equal keys give equal partition keys in every process. An empty key, one that is no UTF-8 and one that is too long is replaced by its MD5 in
 * hexadecimal digits. Nothing is remembered from key to key: a table of them costs the collector more than it saves.
 */
export function partitionKeyOf(key: Uint8Array): PartitionKey {
  const { length } = key
  if (length > 0) {
    let bits = 0
    for (let i = 0; i < length; i++) bits |= key[i]!
    if (bits < 0x80 ? length <= MAX_PARTITION_KEY_LENGTH : isUtf8(key)) {
      const text = asBuffer(key).toString('utf8')
      if (text.length <= MAX_PARTITION_KEY_LENGTH) {
        return { text, utf8: key, hashKey: md5Number(key), tag: null }
      }
    }
  }
  return madeOf(hash('md5', key), asBuffer(key).toString('base64'))
}

/** For records without key: a random one. */
export function randomPartitionKey(): PartitionKey {
  return madeOf(randomFillSync(Buffer.allocUnsafe(8)).toString('hex'), undefined)
}

function madeOf(text: string, value: string | undefined): PartitionKey {
  const utf8 = Buffer.from(text, 'latin1')
  return { text, utf8, hashKey: md5Number(utf8), tag: { name: KEY_TAG, value } }
}
