import type { PartitionLog } from '../../storage/partition-log.ts'

/** One partition as the broker holds it: its log, whether it has ended, and who waits for something to happen in it. */
export class Partition {
  readonly topic: string
  readonly id: string
  readonly log: PartitionLog
  /** Takes no more records; markers of open transactions still come. */
  ended: boolean
  deleted = false
  closed = false
  readonly #waiting = new Set<() => void>()

  constructor(topic: string, id: string, log: PartitionLog, ended: boolean) {
    this.topic = topic
    this.id = id
    this.log = log
    this.ended = ended
    log.onAppend = () => this.wake()
  }

  /** Everything before it is decided: committed, aborted or not transactional. */
  get stable(): number {
    return this.log.lastStableOffset
  }

  /** Nothing comes any more. */
  get complete(): boolean {
    return this.ended && this.log.lastStableOffset === this.log.endOffset
  }

  /** What waits is refused; the log is closed by its owner. */
  close(): void {
    this.closed = true
    this.wake()
  }

  /** Tells those who wait that records, an end or a deletion have come. */
  wake(): void {
    if (this.#waiting.size === 0) return
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
  }

  /** Resolves when `wake` is called, after `maxWaitMs` (null: never), or when the signal aborts. */
  changed(maxWaitMs: number | null, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined
      const done = (): void => {
        this.#waiting.delete(done)
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      if (signal?.aborted === true) return resolve()
      this.#waiting.add(done)
      if (maxWaitMs !== null) timer = setTimeout(done, maxWaitMs)
      signal?.addEventListener('abort', done)
    })
  }
}
