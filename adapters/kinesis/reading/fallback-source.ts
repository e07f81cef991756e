import type { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { Delivery, ShardSource, StartingPlace } from './shard-source.ts'

/** Reads by one source until that fails for good, then by another from where it stood. */
export class FallbackSource implements ShardSource {
  #source: ShardSource
  #next: ((place: StartingPlace, why: StreamError) => ShardSource) | undefined

  constructor(source: ShardSource, next: (place: StartingPlace, why: StreamError) => ShardSource) {
    this.#source = source
    this.#next = next
  }

  get place(): StartingPlace {
    return this.#source.place
  }

  get readyAt(): number {
    return this.#source.readyAt
  }

  async fetch(maxBytes: number): Promise<Delivery> {
    try {
      return await this.#source.fetch(maxBytes)
    } catch (error) {
      const reason = classify(error)
      // What is gone is gone by any way of reading.
      if (this.#next === undefined || reason.retryable || reason.code === 'NOT_FOUND') throw error
      const { place } = this.#source
      this.#source.close()
      this.#source = this.#next(place, reason)
      this.#next = undefined
      return this.#source.fetch(maxBytes)
    }
  }

  restart(place: StartingPlace): void {
    this.#source.restart(place)
  }

  close(): void {
    this.#next = undefined
    this.#source.close()
  }
}
