interface Entry<T> {
  value: T | undefined
  /** `performance.now()` when it was asked for. */
  asOf: number
  running: Promise<T> | undefined
  /** Begins when `running` has ended: for those who ask for what is newer than that. */
  next: Promise<T> | undefined
}

/** Values by name, loaded when they are asked for; who asks at the same time shares a request. Failures are not kept. */
export class SharedCache<T> {
  readonly #entries = new Map<string, Entry<T>>()
  readonly #load: (name: string) => Promise<T>

  constructor(load: (name: string) => Promise<T>) {
    this.#load = load
  }

  known(name: string): T | undefined {
    return this.#entries.get(name)?.value
  }

  /** Not older than `maxAgeMs`; with 0, asked for after this call. */
  get(name: string, maxAgeMs: number): Promise<T> {
    let entry = this.#entries.get(name)
    if (entry === undefined) {
      entry = { value: undefined, asOf: 0, running: undefined, next: undefined }
      this.#entries.set(name, entry)
    }
    const { value, running } = entry
    if (value !== undefined && performance.now() - entry.asOf < maxAgeMs) return Promise.resolve(value)
    if (running === undefined) return this.#run(name, entry)
    if (maxAgeMs > 0) return running
    const again = (): Promise<T> => this.#run(name, entry)
    entry.next ??= running.then(again, again)
    return entry.next
  }

  /** The next `get` loads anew; until then the value is still known. */
  outdate(name: string): void {
    const entry = this.#entries.get(name)
    if (entry === undefined) return
    this.#entries.set(name, {
      value: entry.value,
      asOf: Number.NEGATIVE_INFINITY,
      running: undefined,
      next: undefined,
    })
  }

  forget(name: string): void {
    this.#entries.delete(name)
  }

  #run(name: string, entry: Entry<T>): Promise<T> {
    const asOf = performance.now()
    entry.next = undefined
    const running = this.#load(name).then(
      (value) => {
        entry.value = value
        entry.asOf = asOf
        entry.running = undefined
        return value
      },
      (error) => {
        entry.running = undefined
        throw error
      },
    )
    entry.running = running
    return running
  }
}
