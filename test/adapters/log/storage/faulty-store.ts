import { MemoryStore } from '../../../../adapters/log/storage/memory-store.ts'
import type { StoreFile } from '../../../../adapters/log/storage/store.ts'

const systemError = (code: string) => Object.assign(new Error(`${code}: as the test wants it`), { code })

/** A store in memory whose writes and syncs fail, or wait, when told to. */
export class FaultyStore extends MemoryStore {
  /** The error of every write and every new file. */
  writeError: string | undefined
  syncError: string | undefined
  /** Log files that were synced, in order. */
  readonly syncs: string[] = []
  /** Syncs wait for this. */
  gate: Promise<void> | undefined
  /** Reads that begin now wait for this. */
  readGate: Promise<void> | undefined

  override open(name: string): StoreFile {
    return this.#wrap(name, super.open(name))
  }

  override create(name: string): StoreFile {
    this.#fail()
    return this.#wrap(name, super.create(name))
  }

  override async replace(name: string, bytes: Uint8Array): Promise<void> {
    this.#fail()
    await super.replace(name, bytes)
  }

  #fail(): void {
    if (this.writeError !== undefined) throw systemError(this.writeError)
  }

  #wrap(name: string, file: StoreFile): StoreFile {
    const store = this
    let isClosed = false
    return {
      get sizeBytes() {
        return file.sizeBytes
      },
      append(bytes) {
        store.#fail()
        file.append(bytes)
      },
      async read(buffer, offset, length, position) {
        await store.readGate
        if (isClosed) throw systemError('EBADF')
        return file.read(buffer, offset, length, position)
      },
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      async sync() {
        store.syncs.push(name)
        await store.gate
        if (store.syncError !== undefined) throw systemError(store.syncError)
      },
      close() {
        isClosed = true
        file.close()
      },
    }
  }
}
