/**
 * The headers of dead letters and of records sent back from there; all values are text. The record itself (key, value, other
 * headers, timestamp) is kept as it was.
 */
export const deadLetterHeaders = {
  topic: 'millrace-origin-topic',
  partition: 'millrace-origin-partition',
  position: 'millrace-origin-position',
  /** Milliseconds since the epoch. */
  timestamp: 'millrace-origin-timestamp',
  group: 'millrace-group',
  /** Message of the last attempt's error. */
  error: 'millrace-error',
  /** Its name, or its `code` where it is a `StreamError`. */
  errorName: 'millrace-error-name',
  /** 0 where the record was set aside without being tried: its key was parked. */
  attempts: 'millrace-attempts',
  /** Only on records of a parked key: JSON of `ParkingTicket`. */
  parked: 'millrace-parked',
} as const

export const redriveHeaders = {
  /** The one group that handles this record; the others pass over it. Absent: all do. */
  only: 'millrace-redrive-only',
  /** JSON of the `ParkingTicket` under which the record was parked. */
  parked: 'millrace-redrive-parked',
} as const

/** Which place in which queue of a parked key a record has. */
export interface ParkingTicket {
  readonly group: string
  /** The position that got the key parked: tells this parking from earlier ones of the same key. */
  readonly id: string
  /** 1 for the poison record, then counting the records of the key that followed. */
  readonly seq: number
}
