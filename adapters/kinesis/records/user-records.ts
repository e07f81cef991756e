import type { Header } from '../../../src/driver.ts'

/** Who wrote a record and as which of its own, by which doubles are known. */
export interface Origin {
  readonly producer: string
  readonly sequence: number
}

/**
 * The users' records within one record of the service, in order, by index from 0. Views are of the bytes received; nothing is
 * decoded before it is asked for.
 */
export interface UserRecords {
  readonly count: number
  /** Whether these come out of an aggregate; false for a record that stands alone. */
  readonly aggregated: boolean
  key(i: number): Uint8Array | null
  value(i: number): Uint8Array | null
  headers(i: number): readonly Header[]
  /** False where there are none for certain; costs next to nothing. */
  mayHaveHeaders(i: number): boolean
  /** The producer's, in milliseconds since the epoch; undefined where it gave none. */
  timestamp(i: number): number | undefined
  /** Unsigned, 32 bits; null keys spread. */
  keyHash(i: number): number
  origin(i: number): Origin | undefined
  /** The hash by which the record was routed, were it sent alone. */
  hashKey(i: number): bigint
}
