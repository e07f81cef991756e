import { type From, StreamError } from '../../../src/driver.ts'
import { parsePosition } from '../positions.ts'

/** A `from` as it is stored: times as numbers. Throws INVALID_ARGUMENT. */
export function plainFrom(from: From): From {
  if (from === 'earliest' || from === 'latest') return from
  if (typeof from === 'object' && from !== null) {
    if ('at' in from) {
      parsePosition(from.at)
      return { at: from.at }
    }
    if ('after' in from) {
      parsePosition(from.after)
      return { after: from.after }
    }
    const timestamp = Math.ceil(Number(from.timestamp))
    if (Number.isSafeInteger(timestamp)) return { timestamp: Math.max(0, timestamp) }
  }
  throw new StreamError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(from)} is no place to begin: give 'earliest', 'latest', { at }, { after } or { timestamp }`,
  )
}
