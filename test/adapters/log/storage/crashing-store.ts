import type { MemoryStore } from '../../../../adapters/log/storage/memory-store.ts'
import type { SegmentStore, StoreFile } from '../../../../adapters/log/storage/store.ts'
import { snapshotStore } from './fixtures.ts'

/** Thrown in place of the operation that the process does not live to do. */
export class Crash extends Error {}

/**
 * A store whose process dies at its `limit`-th change of the folder: that change and all after it do not happen.
 * `left` is what a reopening finds.
 */
export class CrashingStore implements SegmentStore {
  readonly location: string
  readonly #store: SegmentStore
  readonly #limit: number
  #changes = 0

  constructor(store: SegmentStore, limit: number) {
    this.location = store.location
    this.#store = store
    this.#limit = limit
  }

  get hasCrashed(): boolean {
    return this.#changes >= this.#limit
  }

  left(): MemoryStore {
    return snapshotStore(this.#store)
  }

  list(): string[] {
    return this.#store.list()
  }

  readAll(name: string): Buffer | undefined {
    return this.#store.readAll(name)
  }

  open(name: string): StoreFile {
    return this.#watch(this.#store.open(name))
  }

  create(name: string): StoreFile {
    this.#change()
    return this.#watch(this.#store.create(name))
  }

  async replace(name: string, bytes: Uint8Array, synced: boolean): Promise<void> {
    this.#change()
    await this.#store.replace(name, bytes, synced)
  }

  rename(from: string, to: string): void {
    this.#change()
    this.#store.rename(from, to)
  }

  async delete(name: string): Promise<void> {
    this.#change()
    await this.#store.delete(name)
  }

  async syncFolder(): Promise<void> {}

  async destroy(): Promise<void> {
    this.#change()
    await this.#store.destroy()
  }

  #change(): void {
    if (this.hasCrashed) throw new Crash()
    this.#changes++
    if (this.hasCrashed) throw new Crash()
  }

  #watch(file: StoreFile): StoreFile {
    const change = () => this.#change()
    return {
      get sizeBytes() {
        return file.sizeBytes
      },
      append(bytes) {
        change()
        file.append(bytes)
      },
      read: (buffer, offset, length, position) => file.read(buffer, offset, length, position),
      truncate(sizeBytes) {
        change()
        file.truncate(sizeBytes)
      },
      sync: () => file.sync(),
      close: () => file.close(),
    }
  }
}
