import type { ConnectOptions, From, Header, Position, Streams, Until } from '../../index.ts'

/** An address with its topic (`log:./data/orders`), a topic of an open backend, a JSON Lines file, or `-` for the standard streams. */
export type ReplayEnd = string | { readonly streams: Streams; readonly topic: string }

export interface ReplayOptions {
  /** Default: `earliest`. */
  readonly from?: From | undefined
  /** Where single partitions start, over `from`; `end` leaves one out. */
  readonly starts?: Readonly<Record<string, From | 'end'>> | undefined
  /**
   * Default: `now`, the end as it stands when the replay first starts; resuming keeps it. A timestamp ends each partition at
   * its first record that is not older, so that ranges that meet neither lose nor double a record.
   */
  readonly until?: Until | undefined
  /** Default: all, with lineage parents before children. */
  readonly partitions?: readonly string[] | undefined
  /** Only records of these keys. Default: all. */
  readonly keys?: readonly string[] | undefined
  /** Only records for which this is true; the same at every run of one `state`. Default: all. */
  readonly filter?: ((record: ReplayRecord) => boolean) | undefined
  /** So many times as fast as the records' own time, across partitions. Above 0. Default: as fast as it goes. */
  readonly speed?: number | undefined
  /** At most so many records a second. Above 0. Default: as fast as it goes. */
  readonly rate?: number | undefined
  /** Reads and counts, sends nothing. Default: false. */
  readonly dryRun?: boolean | undefined
  /**
   * A file in which to keep how far it came; with it a replay that was stopped or killed goes on, in the range of its first
   * start: times given later are not looked at. Default: none.
   */
  readonly state?: string | undefined
  /** So many records at most come again after a kill. Records, 1 or more. Default: 10,000. */
  readonly stateEvery?: number | undefined
  /** Send each record to the partition of the same id, instead of by its key. Default: false. */
  readonly keepPartitions?: boolean | undefined
  /** Dead letters are copied as they are, not sent back to their origin. Default: false; always when the target is a file. */
  readonly raw?: boolean | undefined
  /** Dead letters are handled only by the group in which they failed. Default: false, all groups see them again. */
  readonly groupOnly?: boolean | undefined
  /** Replace a file that is there. Default: false, ALREADY_EXISTS. */
  readonly overwrite?: boolean | undefined
  /** Lines of a JSON Lines source that are read over. Default: 0. */
  readonly skipLines?: number | undefined
  /** For the addresses: credentials, TLS, logger. */
  readonly connect?: ConnectOptions | undefined
  /** Called a few times a second. */
  readonly onProgress?: ((progress: ReplayProgress) => void) | undefined
  /** Told once when a state is taken up: how much was sent before, and how much of it may come again. */
  readonly onResume?: ((resumed: { records: number; mayRepeat: number }) => void) | undefined
  /** Told what was acknowledged before it failed; then it rejects. */
  readonly onFailed?: ((report: ReplayReport) => void) | undefined
  /** Aborting drains, saves the state, and resolves with `interrupted`. */
  readonly signal?: AbortSignal | undefined
}

/** The name of the one partition that JSON Lines are. */
export const LINES = 'lines'

/** A record on its way, with the place in the source after which to resume. */
export interface ReplayRecord {
  /** Of the source; `lines` where that is JSON Lines. */
  readonly partition: string
  readonly position: Position
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly Header[]
  readonly timestamp: number | undefined
  /** Where `keepPartitions` sends it. */
  readonly targetPartition: string | undefined
}

export interface ReplayProgress {
  /** Acknowledged, in this run. */
  readonly records: number
  readonly bytes: number
  /** Estimated; undefined where the source does not know. */
  readonly remaining: number | undefined
}

export interface ReplayReport {
  /** `already`: the state says that it was complete before; nothing was done. */
  readonly ended: 'complete' | 'interrupted' | 'failed' | 'already'
  /** Acknowledged in this run; found, for a dry run. */
  readonly records: number
  /** Key, value and headers. */
  readonly bytes: number
  /** Passed over by `keys` and `filter`. */
  readonly filtered: number
  /** Sent by earlier runs under the same state. */
  readonly resumedAfter: number
  /** Of the records sent before this run, so many may have been sent again. */
  readonly mayRepeat: number
  /** Oldest and newest timestamp among them, milliseconds since the epoch. */
  readonly oldest: number | undefined
  readonly newest: number | undefined
  /** The last record acknowledged of each partition: where to go on. */
  readonly after: Readonly<Record<string, Position>>
  /** Dead letters sent back to their origin. */
  readonly redriven: number
  readonly durationMs: number
}

/** Size of a record as reports count it: key, value and headers. */
export function bytesOf({ key, value, headers }: ReplayRecord): number {
  let size = (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) size += header.name.length + (header.value?.length ?? 0)
  return size
}
