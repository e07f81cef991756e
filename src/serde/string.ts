import type { Serde } from './serde.ts'

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text in UTF-8. Bytes that are not UTF-8 do not decode. */
export function string(): Serde<string> {
  return { name: 'string', encode: (value) => Buffer.from(value), decode: (bytes) => text.decode(bytes) }
}
