import type { Kinesis } from '../../../../../adapters/kinesis/parts.ts'
import { type ListedShard, ListedShardMap } from '../../../../../adapters/kinesis/shards/shard-map.ts'
import { StreamError } from '../../../../../src/driver.ts'
import { quiet } from '../../../../conformance/connection.ts'

const MAX = (1n << 128n) - 1n

interface Range {
  readonly from: bigint
  readonly to: bigint
}

export const shardId = (n: number): string => `shardId-${String(n).padStart(12, '0')}`

/** The shards of streams, without records. */
export class FakeStreams {
  readonly #streams = new Map<
    string,
    { readonly createdAt: number; readonly shards: ListedShard[]; count: number }
  >()
  listed = 0

  create(stream: string, count: number, createdAt = 1_700_000_000): void {
    this.#streams.set(stream, { createdAt, shards: [], count: 0 })
    const width = (MAX + 1n) / BigInt(count)
    for (let i = 0; i < count; i++) {
      const from = width * BigInt(i)
      this.#add(stream, { from, to: i === count - 1 ? MAX : from + width - 1n }, [])
    }
  }

  delete(stream: string): void {
    this.#streams.delete(stream)
  }

  /** The children's ids. */
  split(stream: string, id: string): string[] {
    const { from, to } = this.#close(stream, id)
    const middle = (from + to) / 2n
    return [this.#add(stream, { from, to: middle }, [id]), this.#add(stream, { from: middle + 1n, to }, [id])]
  }

  merge(stream: string, a: string, b: string): string {
    const [left, right] = [this.#close(stream, a), this.#close(stream, b)]
    return this.#add(stream, { from: left.from, to: right.to }, [a, b])
  }

  /** Retention takes a shard away. */
  trim(stream: string, id: string): void {
    const { shards } = this.#streams.get(stream)!
    shards.splice(
      shards.findIndex(({ ShardId }) => ShardId === id),
      1,
    )
  }

  map(stream: string): ListedShardMap {
    const found = this.#streams.get(stream)
    if (found === undefined) {
      throw new StreamError('NOT_FOUND', `there is no stream '${stream}'`, { topic: stream })
    }
    const { createdAt, shards } = found
    const arn = `arn:aws:kinesis:us-east-1:000000000000:stream/${stream}`
    return new ListedShardMap({ stream, arn, createdAt }, [...shards], 0)
  }

  /** A backend of which only the shards are there. */
  get kinesis(): Kinesis {
    return {
      address: 'kinesis://fake',
      settings: {},
      connection: {},
      service: { now: () => Date.now() },
      streams: {
        shards: async (stream: string) => {
          this.listed++
          return this.map(stream)
        },
      },
      logger: quiet,
    } as unknown as Kinesis
  }

  #add(stream: string, range: Range, parents: readonly string[]): string {
    const found = this.#streams.get(stream)!
    const id = shardId(found.count++)
    found.shards.push({
      ShardId: id,
      ParentShardId: parents[0],
      AdjacentParentShardId: parents[1],
      HashKeyRange: { StartingHashKey: String(range.from), EndingHashKey: String(range.to) },
      SequenceNumberRange: {
        StartingSequenceNumber: String(found.count * 1000),
        EndingSequenceNumber: undefined,
      },
    })
    return id
  }

  #close(stream: string, id: string): Range {
    const { shards } = this.#streams.get(stream)!
    const at = shards.findIndex(({ ShardId }) => ShardId === id)
    const shard = shards[at]!
    shards[at] = {
      ...shard,
      SequenceNumberRange: { ...shard.SequenceNumberRange, EndingSequenceNumber: '9' },
    }
    return {
      from: BigInt(shard.HashKeyRange!.StartingHashKey!),
      to: BigInt(shard.HashKeyRange!.EndingHashKey!),
    }
  }
}
