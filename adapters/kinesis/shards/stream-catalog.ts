/** A shard as ListShards describes it. */
export interface Shard {
  /** `shardId-000000000003`. */
  readonly id: string
  /** Inclusive bounds of the hash keys that it serves. */
  readonly from: bigint
  readonly to: bigint
  /** Still there by retention: a parent that was removed is left out. */
  readonly parents: readonly string[]
  readonly children: readonly string[]
  readonly open: boolean
  /** Sequence numbers; `last` only of closed ones. */
  readonly first: string
  readonly last: string | undefined
}

/** The shards of a stream as they stood at one moment. */
export interface ShardMap {
  readonly stream: string
  readonly arn: string
  /** Seconds since the epoch, as KCL writes it in multi-stream lease keys. */
  readonly createdAt: number
  /** All that retention still holds, parents before children. */
  readonly shards: readonly Shard[]
  /** Those that take records, by the hash keys where they begin; without gaps unless a reshard is going on. */
  readonly openShards: readonly Shard[]
  /** By id. */
  shard(id: string): Shard | undefined
  /** The open shard that takes a hash key. */
  openShardOf(hashKey: bigint): Shard
  /** `performance.now()` when it was asked for. */
  readonly asOf: number
}

/** What is fixed or seldom changes about a stream. */
export interface StreamInfo {
  readonly stream: string
  readonly arn: string
  readonly createdAt: number
  readonly retentionMs: number
  /** The service's limit: bytes of data and partition key. */
  readonly maxRecordBytes: number
  readonly mode: 'provisioned' | 'on-demand'
}

/** Live maps of the streams that are used, one a driver; requests on their way are shared. */
export interface StreamCatalog {
  /** From the cache unless it is older than `maxAgeMs` (default: 60 seconds; 0 asks). Rejects NOT_FOUND. */
  shards(
    stream: string,
    options?: { readonly maxAgeMs?: number; readonly signal?: AbortSignal },
  ): Promise<ShardMap>
  /** What the cache knows, at once. */
  known(stream: string): ShardMap | undefined
  /** Rejects NOT_FOUND; UNSUPPORTED where the stream's RecordDistributionStrategy ignores partition keys. */
  info(stream: string, options?: { readonly maxAgeMs?: number }): Promise<StreamInfo>
  /** The largest record that is taken: the service's limit, or a smaller one that the stream was created with. Rejects as `info`. */
  maxRecordBytes(stream: string): Promise<number>
  /** The next `shards` asks anew: a write met a closed shard, a child was heard of. */
  invalidate(stream: string): void
  /** Forgets all about a stream: it was deleted, or changed in other ways than its shards. */
  forget(stream: string): void
}
