/**
 * The seam between a partition's log and where its bytes are: a flat folder of byte files. Two implementations, files and
 * memory, under one and the same log. Methods throw or reject with what the system gave (`ErrnoException`); the
 * log turns that into `StreamError`. What is synchronous is so because an append is: it may open a segment.
 */
export interface SegmentStore {
  /** For messages: the folder's path, or `memory`. */
  readonly location: string
  /** Names of all files, unsorted. */
  list(): string[]
  /** Opens for reading and appending; throws ENOENT where there is none. */
  open(name: string): StoreFile
  /** Opens a new, empty file; empties one that is there. */
  create(name: string): StoreFile
  /** The whole of a small file; undefined where there is none. */
  readAll(name: string): Buffer | undefined
  /**
   * Puts `bytes` in place of the file's content; readers see the old or the new. With `synced` that holds after a power
   * failure too, and the new is durable once `syncFolder` was called.
   */
  replace(name: string, bytes: Uint8Array, synced: boolean): Promise<void>
  /** Atomic; takes the place of a file `to`. Handles stay valid. */
  rename(from: string, to: string): void
  /** No error where there is none. Open handles can still read. */
  delete(name: string): Promise<void>
  /** Makes creations, renames and deletions durable. */
  syncFolder(): Promise<void>
  /** Deletes the folder and all in it. */
  destroy(): Promise<void>
}

/** One open file. `append` and `truncate` have one caller at a time; reads and syncs may run beside them. */
export interface StoreFile {
  /** Bytes that whole appends have written. */
  readonly sizeBytes: number
  /** Writes all of `bytes` at the end, or throws, after which the file is as before: what was written in part is cut off again. */
  append(bytes: Uint8Array): void
  /** Fills `buffer[offset, offset + length)` from `position`; resolves with fewer bytes at the file's end only. */
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<number>
  truncate(sizeBytes: number): void
  /** Resolves when all bytes appended before the call are on the disk. */
  sync(): Promise<void>
  /** Idempotent. The caller sees to it that no read or sync is running. */
  close(): void
}
