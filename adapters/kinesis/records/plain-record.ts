import { randomInt } from 'node:crypto'
import type { Header } from '../../../src/driver.ts'
import { murmur2 } from '../../../src/formats/murmur2.ts'
import { md5Number } from './md5.ts'
import { NO_HEADERS } from './no-headers.ts'
import type { UserRecords } from './user-records.ts'

/** A record that stands alone: its partition key is the key, its data the value. */
export class PlainRecord implements UserRecords {
  readonly count = 1
  readonly aggregated = false
  readonly #partitionKey: string | undefined
  readonly #data: Uint8Array
  #key: Uint8Array | undefined

  /** Without partition key, which the service allows where it distributes records itself, the key is null. */
  constructor(partitionKey: string | undefined, data: Uint8Array) {
    this.#partitionKey = partitionKey
    this.#data = data
  }

  key(): Uint8Array | null {
    if (this.#partitionKey === undefined) return null
    return (this.#key ??= Buffer.from(this.#partitionKey))
  }

  value(): Uint8Array {
    return this.#data
  }

  headers(): readonly Header[] {
    return NO_HEADERS
  }

  mayHaveHeaders(): boolean {
    return false
  }

  timestamp(): undefined {
    return undefined
  }

  keyHash(): number {
    const key = this.key()
    return key === null ? randomInt(2 ** 32) : murmur2(key)
  }

  origin(): undefined {
    return undefined
  }

  hashKey(): bigint {
    return md5Number(this.key() ?? new Uint8Array(0))
  }
}
