import {
  DescribeStreamSummaryCommand,
  ListShardsCommand,
  ListTagsForStreamCommand,
} from '@aws-sdk/client-kinesis'
import { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import { retrying } from '../service/retrying.ts'
import type { KinesisService } from '../service/service.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { MAX_RECORD_BYTES_TAG } from './record-limit.ts'
import { type ListedShard, ListedShardMap } from './shard-map.ts'
import { SharedCache } from './shared-cache.ts'
import type { StreamCatalog, StreamInfo } from './stream-catalog.ts'

const MAX_AGE_MS = 60_000
/** ListTagsForStream is allowed 5 times a second and account, and the tag does not change. */
const RECORD_LIMIT_MAX_AGE_MS = 3_600_000
/** ListShards takes 1,000 requests a second a stream, DescribeStreamSummary 20 an account. */
const DEADLINE_MS = 20_000
/** Where the service names no size of its own: its default. */
const DEFAULT_MAX_RECORD_KIB = 1_024

/** Maps of streams by ListShards, cached. */
export class SdkCatalog implements StreamCatalog {
  readonly #service: KinesisService
  readonly #maps = new SharedCache((stream) => this.#list(stream))
  readonly #recordLimits = new SharedCache((stream) => this.#recordLimit(stream))
  readonly #infos = new SharedCache((stream) => this.#describe(stream))

  constructor(service: KinesisService) {
    this.#service = service
  }

  async shards(
    stream: string,
    { maxAgeMs = MAX_AGE_MS, signal }: { readonly maxAgeMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<ListedShardMap> {
    signal?.throwIfAborted()
    const load = this.#maps.get(stream, maxAgeMs)
    return signal === undefined ? load : unlessAborted(load, signal)
  }

  known(stream: string): ListedShardMap | undefined {
    return this.#maps.known(stream)
  }

  async info(
    stream: string,
    { maxAgeMs = MAX_AGE_MS }: { readonly maxAgeMs?: number } = {},
  ): Promise<StreamInfo> {
    return this.#infos.get(stream, maxAgeMs)
  }

  async maxRecordBytes(stream: string): Promise<number> {
    const [info, own] = await Promise.all([
      this.info(stream),
      this.#recordLimits.get(stream, RECORD_LIMIT_MAX_AGE_MS),
    ])
    return Math.min(info.maxRecordBytes, own)
  }

  invalidate(stream: string): void {
    this.#maps.outdate(stream)
  }

  forget(stream: string): void {
    this.#maps.forget(stream)
    this.#infos.forget(stream)
    this.#recordLimits.forget(stream)
  }

  async #list(stream: string): Promise<ListedShardMap> {
    const asOf = performance.now()
    const info = await this.info(stream)
    const listed: ListedShard[] = []
    let NextToken: string | undefined
    do {
      const { Shards = [], NextToken: next } = await this.#again(
        () =>
          this.#service.call(
            new ListShardsCommand(NextToken === undefined ? { StreamName: stream } : { NextToken }),
          ),
        stream,
      )
      listed.push(...Shards)
      NextToken = next
    } while (NextToken !== undefined)
    return new ListedShardMap(info, listed, asOf)
  }

  async #describe(stream: string): Promise<StreamInfo> {
    const { StreamDescriptionSummary: summary } = await this.#again(
      () => this.#service.call(new DescribeStreamSummaryCommand({ StreamName: stream })),
      stream,
    )
    if (summary?.StreamStatus === 'DELETING') {
      throw new StreamError(
        'NOT_FOUND',
        `stream '${stream}' is being deleted: create it anew when it is gone`,
        {
          topic: stream,
        },
      )
    }
    if (summary?.RecordDistributionStrategy === 'AUTO') {
      throw new StreamError(
        'UNSUPPORTED',
        `stream '${stream}' distributes records by itself and ignores their keys (RecordDistributionStrategy AUTO), so that those of one key have no order: use a stream with USER_PARTITION_KEY`,
        { topic: stream },
      )
    }
    return {
      stream,
      arn: summary!.StreamARN!,
      createdAt: Math.floor((summary!.StreamCreationTimestamp?.getTime() ?? 0) / 1_000),
      retentionMs: (summary!.RetentionPeriodHours ?? 24) * 3_600_000,
      maxRecordBytes: (summary!.MaxRecordSizeInKiB ?? DEFAULT_MAX_RECORD_KIB) * 1_024,
      mode: summary!.StreamModeDetails?.StreamMode === 'ON_DEMAND' ? 'on-demand' : 'provisioned',
    }
  }

  /** What the stream was created with, by a tag. */
  async #recordLimit(stream: string): Promise<number> {
    try {
      const { Tags = [] } = await this.#again(
        () => this.#service.call(new ListTagsForStreamCommand({ StreamName: stream })),
        stream,
      )
      const tag = Tags.find(({ Key }) => Key === MAX_RECORD_BYTES_TAG)?.Value
      return tag === undefined ? Number.POSITIVE_INFINITY : Number(tag)
    } catch (error) {
      // Who may write need not be allowed to look at tags; then the service's own limit counts.
      const { code } = classify(error)
      if (code === 'PERMISSION_DENIED' || code === 'UNSUPPORTED') return Number.POSITIVE_INFINITY
      throw error
    }
  }

  async #again<T>(attempt: () => Promise<T>, topic: string): Promise<T> {
    try {
      return await retrying(attempt, { deadline: performance.now() + DEADLINE_MS })
    } catch (error) {
      if (!(error instanceof StreamError) || error.code !== 'NOT_FOUND') throw error
      throw new StreamError(
        'NOT_FOUND',
        `there is no stream '${topic}' here: create it, or look at its name and region`,
        {
          topic,
          cause: error,
        },
      )
    }
  }
}
