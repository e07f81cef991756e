import { decodeChecked, encodeChecked } from './checked-file.ts'
import { CHECKPOINT } from './file-names.ts'
import type { SegmentStore } from './store.ts'

/** What the log knows beside its segments. A file that is lost or garbled costs a longer recovery, and `startOffset` alone. */
export interface Checkpoint {
  /** All before it was on the disk: recovery need not verify it. */
  readonly recoveryPoint: number
  /** Records before it were deleted, whatever the segments still hold. */
  readonly startOffset: number
  /** Compaction has been over all before it. */
  readonly cleanedOffset: number
  /** When compaction is next due for the sake of tombstones and markers alone, milliseconds since the epoch; null: never. */
  readonly nextHorizonMs: number | null
  /**
   * The newest segment as it was closed; null while open. It need not be removed before an append: one whose size or end
   * no longer agrees with the file says nothing.
   */
  readonly clean: CleanEnd | null
}

export interface CleanEnd {
  readonly baseOffset: number
  readonly sizeBytes: number
  readonly endOffset: number
  /** When the segment's first batch came. */
  readonly begunAtMs: number
}

export const NO_CHECKPOINT: Checkpoint = {
  recoveryPoint: 0,
  startOffset: 0,
  cleanedOffset: 0,
  nextHorizonMs: null,
  clean: null,
}

export function readCheckpoint(store: SegmentStore): Checkpoint | undefined {
  return decodeChecked(store.readAll(CHECKPOINT)) as Checkpoint | undefined
}

/** The checkpoint file of an open log. */
export class CheckpointFile {
  readonly #store: SegmentStore
  #current: Checkpoint
  #writing: Promise<void> = Promise.resolve()

  constructor(store: SegmentStore, current: Checkpoint) {
    this.#store = store
    this.#current = current
  }

  get current(): Checkpoint {
    return this.#current
  }

  /** Changes a part; resolves when that is durable. Calls are written one after another. */
  update(part: Partial<Checkpoint>): Promise<void> {
    this.#current = { ...this.#current, ...part }
    this.#writing = this.#writing
      .catch(() => {})
      .then(async () => {
        await this.#store.replace(CHECKPOINT, encodeChecked(this.#current), true)
        await this.#store.syncFolder()
      })
    return this.#writing
  }
}
