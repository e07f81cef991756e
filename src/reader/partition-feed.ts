import type { Driver, DriverReaderOptions, FetchedBatch, PartitionReader } from '../driver.ts'

/** One partition of a read: keeps one batch fetched ahead of what was taken. */
export class PartitionFeed {
  readonly partition: string
  private readonly reader: Promise<PartitionReader>
  private readonly aborter = new AbortController()
  private readonly maxBytes: number

  /** Opens the reader at once, so that `until: 'now'` means the moment of opening, whenever reading begins. */
  constructor(driver: Driver, options: DriverReaderOptions, maxBytes: number) {
    this.partition = options.partition
    this.maxBytes = maxBytes
    this.reader = driver.openReader(options)
    this.reader.catch(() => {})
  }

  /** The next batch, or null at the end. */
  async next(): Promise<FetchedBatch | null> {
    const reader = await this.reader
    return reader.next({ maxBytes: this.maxBytes, signal: this.aborter.signal })
  }

  async close(): Promise<void> {
    this.aborter.abort()
    const reader = await this.reader.catch(() => undefined)
    await reader?.close()
  }
}
