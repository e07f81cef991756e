import {
  CreateStreamCommand,
  MergeShardsCommand,
  PutRecordsCommand,
  type PutRecordsCommandOutput,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis'
import { parseAddress } from '../../../../adapters/kinesis/address.ts'
import type { Kinesis } from '../../../../adapters/kinesis/parts.ts'
import { readerOpener } from '../../../../adapters/kinesis/reading/open-reader.ts'
import type { SourceTimes } from '../../../../adapters/kinesis/reading/open-source.ts'
import { SERVICE_LIMITS } from '../../../../adapters/kinesis/reading/reading-limits.ts'
import { AggregateWriter } from '../../../../adapters/kinesis/records/index.ts'
import { SdkService } from '../../../../adapters/kinesis/service/sdk-service.ts'
import { SdkCatalog } from '../../../../adapters/kinesis/shards/sdk-catalog.ts'
import type { DriverReaderOptions, FetchedBatch, Header, PartitionReader } from '../../../../src/driver.ts'
import type { KinesisFakeOptions } from '../../../support/kinesis-fake/options.ts'
import { type KinesisFake, startKinesisFake } from '../../../support/kinesis-fake/start-kinesis-fake.ts'
import { append, WireEncoder } from '../support/wire-encoder.ts'

export const FIRST = 'shardId-000000000000'
export const NAME = 'orders'

export const never = new AbortController().signal
export const MiB = 1 << 20

/** A reader paced by nothing but the fake. */
export const UNPACED: SourceTimes = {
  limits: { ...SERVICE_LIMITS, callsPerSecond: 1_000, idleMs: 5, maxIdleMs: 20 },
}

export interface Item {
  readonly key?: string | null
  readonly value?: string | null
  readonly timestamp?: number
  readonly headers?: readonly Header[]
}

interface StandOptions extends KinesisFakeOptions {
  readonly shards?: number
  /** Parameters of the address. */
  readonly parameters?: string
  readonly times?: SourceTimes
}

/** A fake with one stream, and readers of it as the driver opens them. */
export class FakeShard implements AsyncDisposable {
  readonly fake: KinesisFake
  readonly kinesis: Kinesis
  readonly warnings: string[]
  readonly #times: SourceTimes | undefined
  readonly #readers = new Set<PartitionReader>()
  readonly #others: Kinesis[] = []

  private constructor(
    fake: KinesisFake,
    kinesis: Kinesis,
    warnings: string[],
    times: SourceTimes | undefined,
  ) {
    this.fake = fake
    this.kinesis = kinesis
    this.warnings = warnings
    this.#times = times
  }

  static async start(options: StandOptions = {}): Promise<FakeShard> {
    const { shards = 1, parameters = '', times, ...rest } = options
    const fake = await startKinesisFake({
      settleMs: 0,
      limits: 'off',
      clockSkewMs: Number.POSITIVE_INFINITY,
      ...rest,
    })
    const warnings: string[] = []
    const stand = new FakeShard(fake, openKinesisAt(fake.endpoint, parameters, warnings), warnings, times)
    await stand.kinesis.service.call(new CreateStreamCommand({ StreamName: NAME, ShardCount: shards }))
    return stand
  }

  /** Another driver at the same stream. */
  other(parameters = ''): Kinesis {
    const kinesis = openKinesisAt(this.fake.endpoint, parameters, this.warnings)
    this.#others.push(kinesis)
    return kinesis
  }

  async open(
    options: Partial<DriverReaderOptions> = {},
    {
      times = this.#times,
      kinesis = this.kinesis,
    }: { times?: SourceTimes | undefined; kinesis?: Kinesis } = {},
  ): Promise<PartitionReader> {
    const opener = readerOpener(times ?? UNPACED)
    const full = { topic: NAME, partition: FIRST, start: { from: 'earliest' as const }, ...options }
    const reader = await opener(kinesis, full, (it) => this.#readers.delete(it))
    this.#readers.add(reader)
    return reader
  }

  /** The values of a whole read. */
  async all(options: Partial<DriverReaderOptions> = {}, maxBytes = MiB): Promise<string[]> {
    const reader = await this.open({ until: 'now', ...options })
    const values = await rest(reader, maxBytes)
    await reader.close()
    return values
  }

  /** Plain records, as anybody writes them. */
  async plain(values: readonly string[], hash = '0'): Promise<string[]> {
    const positions: string[] = []
    for (let at = 0; at < values.length; at += 500) {
      const Records = values.slice(at, at + 500).map((value, i) => ({
        Data: Buffer.from(value),
        PartitionKey: `k${i % 10}`,
        ExplicitHashKey: hash,
      }))
      const { Records: answers = [] } = await this.#put(Records)
      positions.push(...answers.map(({ SequenceNumber }) => SequenceNumber!))
    }
    return positions
  }

  /** One aggregate; its sequence number. All items claim to belong to the shard unless `hashes` says otherwise. */
  async aggregate(
    items: readonly Item[],
    hashes: readonly string[] = [],
    producer?: WireEncoder,
  ): Promise<string> {
    const { Records } = await this.#put([
      { Data: aggregateOf(items, hashes, producer), PartitionKey: 'a', ExplicitHashKey: '0' },
    ])
    return Records![0]!.SequenceNumber!
  }

  raw(Data: Uint8Array, PartitionKey = 'raw', ExplicitHashKey = '0'): Promise<PutRecordsCommandOutput> {
    return this.#put([{ Data, PartitionKey, ExplicitHashKey }])
  }

  async split(shard = FIRST): Promise<void> {
    const { range } = this.fake.stream(NAME).shard(shard)
    const middle = (range.start + range.end) / 2n
    await this.kinesis.service.call(
      new SplitShardCommand({ StreamName: NAME, ShardToSplit: shard, NewStartingHashKey: String(middle) }),
    )
  }

  async merge(a: string, b: string): Promise<void> {
    await this.kinesis.service.call(
      new MergeShardsCommand({ StreamName: NAME, ShardToMerge: a, AdjacentShardToMerge: b }),
    )
  }

  #put(
    Records: { Data: Uint8Array; PartitionKey: string; ExplicitHashKey: string }[],
  ): Promise<PutRecordsCommandOutput> {
    return this.kinesis.service.call(new PutRecordsCommand({ StreamName: NAME, Records }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#readers, (reader) => reader.close()))
    for (const { service } of [this.kinesis, ...this.#others]) service.close()
    await this.fake.stop()
  }
}

/** What a driver opens there; warnings are gathered. */
export function openKinesisAt(endpoint: string, parameters = '', warnings: string[] = []): Kinesis {
  const address = `kinesis://us-east-1?endpoint=${endpoint}${parameters === '' ? '' : `&${parameters}`}`
  const settings = parseAddress(address)
  const connection = { region: 'us-east-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }
  const { requestTimeoutMs } = settings
  const service = new SdkService({ connection, endpoint, requestTimeoutMs })
  const silent = (): void => {}
  const warn = (message: string): void => void warnings.push(message)
  const logger = { debug: silent, info: silent, warn, error: warn }
  return { address, settings, connection, service, streams: new SdkCatalog(service), logger }
}

export function aggregateOf(
  items: readonly Item[],
  hashes: readonly string[] = [],
  encoder = new WireEncoder(),
): Buffer {
  const writer = new AggregateWriter()
  items.forEach(({ key = 'k', value = null, headers = [], timestamp }, i) => {
    const record = encoder.encode({
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      headers,
      timestamp,
      partition: undefined,
    })
    append(writer, record, Number.POSITIVE_INFINITY, hashes[i] ?? '0')
  })
  return writer.finish()
}

const textOf = (bytes: Uint8Array | null): string => (bytes === null ? 'null' : Buffer.from(bytes).toString())

export function valuesOf(batch: FetchedBatch | null): string[] {
  assertBatch(batch)
  return Array.from({ length: batch.count }, (_, i) => textOf(batch.value(i)))
}

export async function rest(reader: PartitionReader, maxBytes = MiB): Promise<string[]> {
  const values: string[] = []
  for (;;) {
    const batch = await reader.next({ maxBytes, signal: never })
    if (batch === null) return values
    values.push(...valuesOf(batch))
  }
}

/** The next batch that has records. */
export async function filled(reader: PartitionReader, maxBytes = MiB): Promise<FetchedBatch> {
  for (;;) {
    const batch = await reader.next({ maxBytes, signal: never })
    assertBatch(batch)
    if (batch.count > 0) return batch
  }
}

function assertBatch(batch: FetchedBatch | null): asserts batch is FetchedBatch {
  if (batch === null) throw new Error('the reader has ended')
}
