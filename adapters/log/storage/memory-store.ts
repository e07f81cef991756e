import type { SegmentStore, StoreFile } from './store.ts'

/**
 * Files in memory, gone with the process. Keep the store to open the same log again. Deleted and replaced files live on
 * for who holds them open, as on POSIX.
 */
export class MemoryStore implements SegmentStore {
  readonly location = 'memory'
  readonly #files = new Map<string, MemoryFile>()

  list(): string[] {
    return [...this.#files.keys()]
  }

  open(name: string): StoreFile {
    return this.#find(name)
  }

  create(name: string): StoreFile {
    const file = new MemoryFile()
    this.#files.set(name, file)
    return file
  }

  readAll(name: string): Buffer | undefined {
    const file = this.#files.get(name)
    if (file === undefined) return undefined
    const bytes = Buffer.allocUnsafeSlow(file.sizeBytes)
    file.copy(bytes, 0, bytes.length, 0)
    return bytes
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    const file = new MemoryFile()
    file.append(bytes)
    this.#files.set(name, file)
  }

  rename(from: string, to: string): void {
    const file = this.#find(from)
    this.#files.delete(from)
    this.#files.set(to, file)
  }

  async delete(name: string): Promise<void> {
    this.#files.delete(name)
  }

  async syncFolder(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#files.clear()
  }

  #find(name: string): MemoryFile {
    const file = this.#files.get(name)
    if (file === undefined) throw Object.assign(new Error(`ENOENT: no file '${name}'`), { code: 'ENOENT' })
    return file
  }
}

const SMALLEST_CHUNK = 4096
const LARGEST_CHUNK = 1 << 20

/** Bytes in chunks that grow with the file, so that an idle partition costs little and no append copies what is there. */
class MemoryFile implements StoreFile {
  readonly #chunks: Buffer[] = []
  /** Where each chunk begins in the file. */
  readonly #starts: number[] = []
  #size = 0

  get sizeBytes(): number {
    return this.#size
  }

  append(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const room = this.#room(bytes.length - from)
      const part = bytes.subarray(from, from + room.length)
      room.set(part)
      from += part.length
      this.#size += part.length
    }
  }

  async read(buffer: Buffer, offset: number, length: number, position: number): Promise<number> {
    return this.copy(buffer, offset, length, position)
  }

  copy(buffer: Buffer, offset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.#size - position))
    let done = 0
    for (let i = this.#find(position); done < count; i++) {
      const chunk = this.#chunks[i]!
      const from = position + done - this.#starts[i]!
      const to = Math.min(chunk.length, from + count - done)
      chunk.copy(buffer, offset + done, from, to)
      done += to - from
    }
    return count
  }

  truncate(sizeBytes: number): void {
    while (this.#starts.length > 0 && this.#starts.at(-1)! >= sizeBytes) {
      this.#starts.pop()
      this.#chunks.pop()
    }
    this.#size = sizeBytes
  }

  async sync(): Promise<void> {}

  close(): void {}

  /** Free bytes at the end: what is left of the last chunk, or a new one. */
  #room(wanted: number): Buffer {
    const last = this.#chunks.at(-1)
    const used = last === undefined ? 0 : this.#size - this.#starts.at(-1)!
    if (last !== undefined && used < last.length) return last.subarray(used)
    const chunk = Buffer.allocUnsafeSlow(
      Math.max(SMALLEST_CHUNK, Math.min(LARGEST_CHUNK, Math.max(this.#size, wanted))),
    )
    this.#chunks.push(chunk)
    this.#starts.push(this.#size)
    return chunk
  }

  #find(position: number): number {
    let low = 0
    let high = this.#starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#starts[middle]! <= position) low = middle
      else high = middle - 1
    }
    return low
  }
}
