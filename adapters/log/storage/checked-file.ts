import { crc32c } from '../../../src/formats/crc32c.ts'

/** Small state as text that people can read: a line of CRC-32C over the rest, then JSON. */
export function encodeChecked(value: unknown): Buffer {
  const body = Buffer.from(`${JSON.stringify(value)}\n`)
  return Buffer.concat([Buffer.from(`crc32c ${crc32c(body).toString(16).padStart(8, '0')}\n`), body])
}

/** Undefined where the bytes are missing or not those that were written. */
export function decodeChecked(bytes: Buffer | undefined): unknown {
  if (bytes === undefined) return undefined
  const line = bytes.indexOf(0x0a)
  if (line < 0) return undefined
  const body = bytes.subarray(line + 1)
  if (bytes.toString('latin1', 0, line) !== `crc32c ${crc32c(body).toString(16).padStart(8, '0')}`)
    return undefined
  return JSON.parse(body.toString())
}
