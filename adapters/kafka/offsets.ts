import { StreamError } from '../../src/driver.ts'

/** A position as a number: the offset of a record. INVALID_ARGUMENT where it is not the decimal number that this adapter writes. */
export function parseOffset(position: unknown): number {
  if (typeof position === 'string' && /^(0|[1-9]\d{0,15})$/.test(position)) {
    const offset = Number(position)
    if (Number.isSafeInteger(offset)) return offset
  }
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(position)} is no position of Kafka: those are offsets like '0' or '1042', use one that a record came with`,
  )
}
