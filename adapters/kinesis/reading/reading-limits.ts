/** What the service allows on one shard, over all that read it by polling; and how a reader paces itself within. */
export interface ReadingLimits {
  /** Calls of GetRecords, and as many of GetShardIterator, a second. */
  readonly callsPerSecond: number
  /** Of GetRecords, once the service has shown that it counts. */
  readonly bytesPerSecond: number
  readonly recordsPerCall: number
  /** An answer so large is followed by `fullAnswerPauseMs` in which the shard refuses. */
  readonly fullAnswerBytes: number
  readonly fullAnswerPauseMs: number
  /** Between calls that find a shard read to its end: at first, and when nothing has come for long. */
  readonly idleMs: number
  readonly maxIdleMs: number
}

/** As documented for GetRecords. The whole of the calls of a shard is ours only until another application reads it too. */
export const SERVICE_LIMITS: ReadingLimits = {
  callsPerSecond: 5,
  bytesPerSecond: 2 << 20,
  recordsPerCall: 10_000,
  fullAnswerBytes: 10 << 20,
  fullAnswerPauseMs: 5_000,
  idleMs: 200,
  maxIdleMs: 500,
}
