import type { Serde } from './serde.ts'

const text = new TextDecoder('utf-8', { fatal: true })

/** JSON in UTF-8. A value that JSON cannot hold (undefined, a function) is refused with a TypeError. */
export function json<T = unknown>(): Serde<T> {
  return {
    name: 'json',
    encode(value) {
      const encoded = JSON.stringify(value)
      if (encoded === undefined) throw new TypeError(`a ${typeof value} has no JSON form`)
      return Buffer.from(encoded)
    },
    decode: (bytes) => JSON.parse(text.decode(bytes)) as T,
  }
}
