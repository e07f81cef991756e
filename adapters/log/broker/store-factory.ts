import path from 'node:path'
import { FileStore } from '../storage/file-store.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import type { SegmentStore } from '../storage/store.ts'

/** The store of the partition of that folder name; created when missing. */
export type StoreFactory = (name: string) => SegmentStore

export function fileStores(folder: string): StoreFactory {
  return (name) => new FileStore(path.join(folder, name))
}

/** Stores that are there as long as the factory is. */
export function memoryStores(): StoreFactory {
  const stores = new Map<string, MemoryStore>()
  return (name) => {
    let store = stores.get(name)
    if (store === undefined) stores.set(name, (store = new MemoryStore()))
    return store
  }
}
