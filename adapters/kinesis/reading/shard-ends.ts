import type { ChildShard } from '@aws-sdk/client-kinesis'
import type { Kinesis } from '../parts.ts'

/** Finds out whether a shard has ended where the service gives no way to go on. */
export class ShardEnds {
  readonly #kinesis: Kinesis
  readonly #stream: string
  readonly #shardId: string

  constructor(kinesis: Kinesis, stream: string, shardId: string) {
    this.#kinesis = kinesis
    this.#stream = stream
    this.#shardId = shardId
  }

  /** Children say it. Without them the list of shards does: the service ends streams of records for other reasons too. */
  async ended(children: readonly ChildShard[]): Promise<boolean> {
    const { streams } = this.#kinesis
    if (children.length > 0) {
      const known = streams.known(this.#stream)
      if (children.some(({ ShardId }) => known?.shard(ShardId!) === undefined))
        streams.invalidate(this.#stream)
      return true
    }
    if (streams.known(this.#stream)?.shard(this.#shardId)?.open === false) return true
    return (await streams.shards(this.#stream, { maxAgeMs: 0 })).shard(this.#shardId)?.open === false
  }
}
