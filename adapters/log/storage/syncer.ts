/** When appends are put on the disk: before they are acknowledged, so many milliseconds later, or when the system likes. */
export type FsyncMode = 'batch' | 'never' | { readonly intervalMs: number }

/**
 * Group commit: one sync at a time, each for all that wait when it begins. A sync that fails is never tried again,
 * because the system may have dropped the bytes and would then call them written: from then on all is refused
 * until the log was opened, and its tail verified, anew.
 */
export class Syncer {
  mode: FsyncMode
  readonly #sync: () => Promise<void>
  readonly #failed: (error: Error) => void
  #isDirty = false
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #error: Error | undefined

  /** `sync` puts on the disk all that was appended when it is called; `failed` hears of its first failure. */
  constructor(mode: FsyncMode, sync: () => Promise<void>, failed: (error: Error) => void) {
    this.mode = mode
    this.#sync = sync
    this.#failed = failed
  }

  /** Why nothing more can be made durable. */
  get error(): Error | undefined {
    return this.#error
  }

  /** Something was appended. Cheap: no timer is started while one runs. */
  appended(): void {
    this.#isDirty = true
    if (typeof this.mode === 'string' || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      // Told to the log by `failed`.
      this.flush().catch(() => {})
    }, this.mode.intervalMs)
    // What was written survives the end of the process, so the timer need not keep it.
    this.#timer.unref()
  }

  /** Undefined: as durable as promised already. */
  durable(): Promise<void> | undefined {
    if (this.mode !== 'batch' && this.#error === undefined) return undefined
    return this.#isDirty || this.#error !== undefined ? this.flush() : this.#running
  }

  /** Resolves when all that was appended before the call is on the disk. */
  flush(): Promise<void> {
    if (this.#running === undefined) return this.#start()
    // The sync under way may have begun before the last append.
    this.#next ??= this.#running.then(
      () => this.#start(),
      () => this.#start(),
    )
    return this.#next
  }

  /** Resolves when no sync is running. Never rejects. */
  async settle(): Promise<void> {
    while (this.#running !== undefined || this.#next !== undefined) {
      await (this.#next ?? this.#running)?.catch(() => {})
    }
  }

  /** Stops the timer. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #start(): Promise<void> {
    this.#next = undefined
    if (this.#error !== undefined) return Promise.reject(this.#error)
    this.#isDirty = false
    this.#running = this.#sync().then(
      () => {
        this.#running = undefined
      },
      (error: Error) => {
        this.#running = undefined
        this.#error = error
        this.#failed(error)
        throw error
      },
    )
    return this.#running
  }
}
