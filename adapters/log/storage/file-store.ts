import fs from 'node:fs'
import path from 'node:path'
import type { SegmentStore, StoreFile } from './store.ts'

/**
 * A folder of the file system; created when missing. Throws the system's error where it cannot be.
 * Windows cannot sync a folder and is not asked to.
 */
export class FileStore implements SegmentStore {
  readonly location: string

  constructor(folder: string) {
    this.location = path.resolve(folder)
    fs.mkdirSync(this.location, { recursive: true })
  }

  list(): string[] {
    return fs.readdirSync(this.location)
  }

  open(name: string): StoreFile {
    return new FileHandle(this.#path(name), fs.constants.O_RDWR)
  }

  create(name: string): StoreFile {
    const { O_RDWR, O_CREAT, O_TRUNC } = fs.constants
    return new FileHandle(this.#path(name), O_RDWR | O_CREAT | O_TRUNC)
  }

  readAll(name: string): Buffer | undefined {
    try {
      return fs.readFileSync(this.#path(name))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  async replace(name: string, bytes: Uint8Array, synced: boolean): Promise<void> {
    const temporary = this.#path(`${name}.tmp`)
    const file = await fs.promises.open(temporary, 'w')
    try {
      await file.writeFile(bytes)
      // Before the rename: some file systems order the rename first and would leave an empty file.
      if (synced) await file.datasync()
    } finally {
      await file.close()
    }
    await fs.promises.rename(temporary, this.#path(name))
  }

  rename(from: string, to: string): void {
    fs.renameSync(this.#path(from), this.#path(to))
  }

  async delete(name: string): Promise<void> {
    await fs.promises.rm(this.#path(name), { force: true })
  }

  async syncFolder(): Promise<void> {
    if (process.platform === 'win32') return
    const folder = await fs.promises.open(this.location, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  }

  async destroy(): Promise<void> {
    await fs.promises.rm(this.location, { recursive: true, force: true })
  }

  #path(name: string): string {
    return path.join(this.location, name)
  }
}

/** What was appended last is in the page cache: so much of it is read without the trip to the thread pool. */
const HOT_BYTES = 64 * 1024

class FileHandle implements StoreFile {
  readonly #fd: number
  /** Bytes that were there before this handle. */
  readonly #found: number
  #size: number
  #closed = false
  // A write failed and its bytes could not be cut off: that comes first before the next one.
  #torn = false

  constructor(file: string, flags: number) {
    this.#fd = fs.openSync(file, flags, 0o644)
    this.#found = this.#size = fs.fstatSync(this.#fd).size
  }

  get sizeBytes(): number {
    return this.#size
  }

  // Synchronous on purpose: a write into the page cache takes less time than the trip to libuv's thread pool and back,
  // and appends need no queue to stay in order.
  append(bytes: Uint8Array): void {
    if (this.#torn) this.truncate(this.#size)
    let written = 0
    try {
      while (written < bytes.length) {
        written += fs.writeSync(this.#fd, bytes, written, bytes.length - written, this.#size + written)
      }
    } catch (error) {
      this.#torn = true
      try {
        this.truncate(this.#size)
      } catch {
        // Told by the error of the write; retried before the next append, and by recovery after a crash.
      }
      throw error
    }
    this.#size += written
  }

  async read(buffer: Buffer, offset: number, length: number, position: number): Promise<number> {
    if (position >= this.#found && position >= this.#size - HOT_BYTES) {
      return fs.readSync(this.#fd, buffer, offset, length, position)
    }
    let done = 0
    while (done < length) {
      const count = await this.#readOnce(buffer, offset + done, length - done, position + done)
      if (count === 0) break
      done += count
    }
    return done
  }

  truncate(sizeBytes: number): void {
    fs.ftruncateSync(this.#fd, sizeBytes)
    this.#size = sizeBytes
    this.#torn = false
  }

  sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#fd, (error) => (error === null ? resolve() : reject(error)))
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    fs.closeSync(this.#fd)
  }

  #readOnce(buffer: Buffer, offset: number, length: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#fd, buffer, offset, length, position, (error, count) =>
        error === null ? resolve(count) : reject(error),
      )
    })
  }
}
