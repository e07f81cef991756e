import type {
  Checkpoint,
  DriverReaderOptions,
  FetchedBatch,
  Header,
  Lag,
  NextOptions,
  PartitionReader,
  Position,
} from '../../../src/driver.ts'
import type { CoverageMap } from './coverage-map.ts'

/** A reader whose batches tell which record each checkpoint lies behind. */
export class RecordingReader implements PartitionReader {
  private readonly inner: PartitionReader
  private readonly options: DriverReaderOptions
  private readonly coverage: CoverageMap
  private last: Position | null = null

  constructor(inner: PartitionReader, options: DriverReaderOptions, coverage: CoverageMap) {
    this.inner = inner
    this.options = options
    this.coverage = coverage
  }

  async next(options: NextOptions): Promise<FetchedBatch | null> {
    const batch = await this.inner.next(options)
    const { topic, partition } = this.options
    if (batch === null) {
      this.coverage.learn(topic, partition, this.inner.checkpoint, this.last)
      return null
    }
    if (batch.count > 0) this.last = batch.position(batch.count - 1)
    this.coverage.learn(topic, partition, batch.end, this.last)
    return new RecordingBatch(batch, this.coverage)
  }

  get checkpoint(): Checkpoint {
    return this.inner.checkpoint
  }

  close(): Promise<void> {
    return this.inner.close()
  }
}

/** A fetched batch seen through: mutants build on it too. */
export class FetchedBatchView implements FetchedBatch {
  readonly inner: FetchedBatch

  constructor(inner: FetchedBatch) {
    this.inner = inner
  }

  get topic(): string {
    return this.inner.topic
  }
  get partition(): string {
    return this.inner.partition
  }
  get count(): number {
    return this.inner.count
  }
  get sizeBytes(): number {
    return this.inner.sizeBytes
  }
  get end(): Checkpoint {
    return this.inner.end
  }
  get lag(): Lag {
    return this.inner.lag
  }
  key(i: number): Uint8Array | null {
    return this.inner.key(i)
  }
  value(i: number): Uint8Array | null {
    return this.inner.value(i)
  }
  headers(i: number): readonly Header[] {
    return this.inner.headers(i)
  }
  timestamp(i: number): number {
    return this.inner.timestamp(i)
  }
  arrival(i: number): number | undefined {
    return this.inner.arrival(i)
  }
  position(i: number): Position {
    return this.inner.position(i)
  }
  keyHash(i: number): number {
    return this.inner.keyHash(i)
  }
  checkpointAfter(i: number): Checkpoint {
    return this.inner.checkpointAfter(i)
  }
}

class RecordingBatch extends FetchedBatchView {
  private readonly coverage: CoverageMap

  constructor(inner: FetchedBatch, coverage: CoverageMap) {
    super(inner)
    this.coverage = coverage
  }

  override checkpointAfter(i: number): Checkpoint {
    const checkpoint = this.inner.checkpointAfter(i)
    this.coverage.learn(this.topic, this.partition, checkpoint, this.position(i))
    return checkpoint
  }
}
