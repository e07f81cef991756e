import type { Checkpoint, DriverReaderOptions, PartitionReader } from '../../../src/driver.ts'
import { formatCheckpoint, type ResumePoint } from '../positions.ts'
import { closedReader } from './reader-errors.ts'

/** A reader that has nothing to give: all of its shard was read, or it ends where it starts. */
export class EndedReader implements PartitionReader {
  readonly checkpoint: Checkpoint
  readonly #options: DriverReaderOptions
  readonly #onClose: (reader: PartitionReader) => void
  #closed = false

  constructor(
    options: DriverReaderOptions,
    onClose: (reader: PartitionReader) => void,
    point: ResumePoint = { kind: 'end' },
  ) {
    this.checkpoint = formatCheckpoint(point)
    this.#options = options
    this.#onClose = onClose
  }

  async next({ signal }: { readonly signal: AbortSignal }): Promise<null> {
    signal.throwIfAborted()
    if (this.#closed) throw closedReader(this.#options)
    return null
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#onClose(this)
  }
}
