import type { Metadata, StoredMetadata } from './metadata.ts'

const BLOCK = 1000

/** Hands out producer ids that were never used before. They are reserved in blocks, so that few are written down. */
export class ProducerIds {
  readonly #metadata: Metadata
  #next: number
  #reserved: number

  constructor(metadata: Metadata, stored: StoredMetadata) {
    this.#metadata = metadata
    const block = stored.find(({ key }) => key[0] === 'producerIds')?.value as { next: number } | undefined
    this.#next = this.#reserved = block?.next ?? 1
  }

  /** Durable once the metadata is. */
  next(): number {
    if (this.#next === this.#reserved) {
      this.#reserved += BLOCK
      this.#metadata.put([[['producerIds'], { next: this.#reserved }]])
    }
    return this.#next++
  }
}
