import { decodeChecked, encodeChecked } from './checked-file.ts'
import { fileName } from './file-names.ts'
import { ProducerState } from './producer-state.ts'
import type { SegmentStore } from './store.ts'

const KEPT = 3

/** The producer state as files `<offset>.producers`: all that is known from the batches before that offset. */
export class ProducerSnapshots {
  readonly #store: SegmentStore
  /** Ascending. */
  #offsets: number[]

  constructor(store: SegmentStore, offsets: readonly number[]) {
    this.#store = store
    this.#offsets = [...offsets]
  }

  /** Durable. The newest few are kept. */
  async write(offset: number, state: unknown): Promise<void> {
    await this.#store.replace(fileName(offset, 'producers'), encodeChecked(state), true)
    this.#offsets = [...this.#offsets.filter((other) => other !== offset), offset].sort((a, b) => a - b)
    for (const old of this.#offsets.slice(0, -KEPT)) await this.#store.delete(fileName(old, 'producers'))
    this.#offsets = this.#offsets.slice(-KEPT)
  }

  /** The newest readable snapshot at or before `offset`; an empty state at 0 where there is none. */
  read(offset: number): { readonly offset: number; readonly state: ProducerState } {
    for (const candidate of this.#offsets.toReversed()) {
      if (candidate > offset) continue
      const data = decodeChecked(this.#store.readAll(fileName(candidate, 'producers')))
      if (data !== undefined) return { offset: candidate, state: ProducerState.fromJSON(data) }
    }
    return { offset: 0, state: new ProducerState() }
  }

  /** Forgets snapshots of a future that was cut off. */
  async truncate(end: number): Promise<void> {
    for (const offset of this.#offsets.filter((other) => other > end)) {
      await this.#store.delete(fileName(offset, 'producers'))
    }
    this.#offsets = this.#offsets.filter((offset) => offset <= end)
  }
}
