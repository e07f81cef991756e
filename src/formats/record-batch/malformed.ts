import { StreamError } from '../../errors.ts'

/**
 * The error for a record batch that cannot be what was written; `what` completes "record batch at offset n
 * …".
 */
export function malformed(baseOffset: number, what: string, cause?: unknown): StreamError {
  return new StreamError(
    'INTERNAL',
    `record batch at offset ${baseOffset} ${what}: its bytes were damaged in storage or on the way. ` +
      'Read it again; if it stays so, restore the partition from a copy, or resume behind this batch and lose its records',
    { cause },
  )
}
