import PQueue from 'p-queue'
import type { Logger } from '../../../src/driver.ts'
import type { Partition } from './topics/partition.ts'
import type { Topics } from './topics/topics.ts'

const LONGEST_MS = 30_000
const SHORTEST_MS = 100

/** Retention and compaction, beside the work and one partition at a time. Its timer does not keep the process alive. */
export class Maintenance {
  readonly #topics: Topics
  readonly #logger: Logger
  readonly #queue = new PQueue({ concurrency: 1 })
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(topics: Topics, logger: Logger) {
    this.#topics = topics
    this.#logger = logger
    this.schedule()
  }

  /** Sets the next round by the shortest retention there is; call when topics changed. */
  schedule(): void {
    if (this.#closed) return
    let delay = LONGEST_MS
    for (const { stored } of this.#topics.all()) {
      const { retentionMs, retentionBytes } = stored.settings
      if (retentionMs !== null) delay = Math.min(delay, Math.max(SHORTEST_MS, retentionMs / 4))
      if (retentionBytes !== null) delay = Math.min(delay, 1000)
    }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#round(), delay)
    this.#timer.unref()
  }

  /** Lets what runs end, and starts nothing more. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#queue.onIdle()
  }

  async #round(): Promise<void> {
    const work: Promise<void>[] = []
    for (const topic of this.#topics.all()) {
      const { retentionMs, retentionBytes, compacted } = topic.stored.settings
      for (const partition of topic.partitions.values()) {
        if (retentionMs !== null || retentionBytes !== null) {
          work.push(
            this.#run(`retention of ${topic.name}-${partition.id}`, partition, () =>
              partition.log.applyRetention(),
            ),
          )
        }
        if (compacted) {
          work.push(
            this.#run(`compaction of ${topic.name}-${partition.id}`, partition, () =>
              partition.log.compact(),
            ),
          )
        }
      }
    }
    await Promise.all(work)
    this.schedule()
  }

  #run(what: string, partition: Partition, work: () => Promise<unknown>): Promise<void> {
    const isGone = (): boolean => this.#closed || partition.deleted
    return this.#queue.add(async () => {
      if (isGone()) return
      try {
        await work()
      } catch (error) {
        if (isGone()) return
        this.#logger.warn(`${what} failed, it is tried again: ${(error as Error).message}`, { error })
      }
    })
  }
}
