import {
  DescribeStreamSummaryCommand,
  MergeShardsCommand,
  SplitShardCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis'
import { StreamError } from '../../../src/driver.ts'
import type { Kinesis } from '../parts.ts'
import { retrying } from '../service/retrying.ts'
import { MAX_HASH_KEY } from '../shards/hash-key.ts'
import type { Shard, ShardMap } from '../shards/stream-catalog.ts'

/** The service takes half a minute or so for each split. */
const DEADLINE_MS = 300_000
const LOOK_AGAIN_MS = 50
const LOOK_AGAIN_AT_MOST_MS = 1_000
const HASH_KEYS = MAX_HASH_KEY + 1n
/** Boundaries that differ by no more are the same: the service rounds its own way. */
const NEAR = 1_000_000n
/** UpdateShardCount goes to twice as many at most. */
const GROWTH = 2n

/** Splits and merges of a stream's shards. Each resolves when the shard map shows it and the stream takes the next change. */
export class Resharding {
  readonly #kinesis: Kinesis

  constructor(kinesis: Kinesis) {
    this.#kinesis = kinesis
  }

  /** Exactly `total` open shards of even ranges. The service's own scaling where it is AWS, else by splits and merges. */
  async toCount(topic: string, total: number): Promise<void> {
    if (!Number.isSafeInteger(total) || total < 1) {
      throw new StreamError('INVALID_ARGUMENT', `${total} partitions: give a whole number above 0`, { topic })
    }
    const { length } = (await this.#shards(topic)).openShards
    if (length === total) return
    if (length > total) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `stream '${topic}' has ${length} open shards, ${total} are fewer: give more, or merge some`,
        { topic },
      )
    }
    await this.#refuseOnDemand(topic)
    if (isAws(this.#kinesis.settings.endpoint)) await this.#scale(topic, BigInt(total))
    // What scaling did not do (its limit of 10 a day is used up), and all of it where emulators scale unevenly.
    await this.#even(topic, BigInt(total))
  }

  async split(topic: string, partition: string): Promise<string[]> {
    const shard = this.#openOne(await this.#shards(topic), partition)
    if (shard.from === shard.to) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `'${partition}' serves one hash key alone: it cannot be split`,
        {
          topic,
          partition,
        },
      )
    }
    await this.#refuseOnDemand(topic)
    return this.#splitAt(topic, shard, shard.from + (shard.to - shard.from + 1n) / 2n)
  }

  async merge(topic: string, partitions: readonly [string, string]): Promise<string[]> {
    const map = await this.#shards(topic)
    const [low, high] = partitions
      .map((partition) => this.#openOne(map, partition))
      .sort((a, b) => (a.from < b.from ? -1 : 1)) as [Shard, Shard]
    if (low.to + 1n !== high.from) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `'${low.id}' and '${high.id}' are no neighbours: merge two of which one's hash range ends where the other's begins`,
        { topic },
      )
    }
    await this.#refuseOnDemand(topic)
    return this.#mergeTwo(topic, low, high)
  }

  async #scale(topic: string, total: bigint): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS
    for (;;) {
      const count = BigInt((await this.#shards(topic)).openShards.length)
      if (count === total) return
      const next = count * GROWTH < total ? count * GROWTH : total
      try {
        const command = new UpdateShardCountCommand({
          StreamName: topic,
          TargetShardCount: Number(next),
          ScalingType: 'UNIFORM_SCALING',
        })
        await retrying(() => this.#kinesis.service.call(command), {
          deadline,
          again: ({ code, retryable }) => retryable && code !== 'THROTTLED',
        })
      } catch (error) {
        if (!(error instanceof StreamError) || error.code !== 'THROTTLED') throw error
        this.#kinesis.logger.info(`UpdateShardCount of '${topic}' is at its limit: splitting shard by shard`)
        return
      }
      await this.#settled(topic, ({ openShards }) => BigInt(openShards.length) === next)
    }
  }

  /** One change after another until the ranges are even. */
  async #even(topic: string, total: bigint): Promise<void> {
    const bounds = Array.from({ length: Number(total) }, (_, i) => (HASH_KEYS * BigInt(i)) / total)
    for (;;) {
      const { openShards } = await this.#shards(topic)
      const cut = openShards.flatMap((shard) => {
        const at = bounds.find((bound) => bound > shard.from && bound <= shard.to && !isNear(bound, shard))
        return at === undefined ? [] : [{ shard, at }]
      })[0]
      if (cut !== undefined) {
        await this.#splitAt(topic, cut.shard, cut.at)
        continue
      }
      const extra = openShards.findIndex(({ from }) => !bounds.some((bound) => distance(bound, from) <= NEAR))
      if (extra < 0) return
      await this.#mergeTwo(topic, openShards[extra - 1]!, openShards[extra]!)
    }
  }

  async #splitAt(topic: string, shard: Shard, at: bigint): Promise<string[]> {
    const command = new SplitShardCommand({
      StreamName: topic,
      ShardToSplit: shard.id,
      NewStartingHashKey: String(at),
    })
    return this.#change(topic, [shard.id], () => this.#kinesis.service.call(command))
  }

  async #mergeTwo(topic: string, low: Shard, high: Shard): Promise<string[]> {
    const command = new MergeShardsCommand({
      StreamName: topic,
      ShardToMerge: low.id,
      AdjacentShardToMerge: high.id,
    })
    return this.#change(topic, [low.id, high.id], () => this.#kinesis.service.call(command))
  }

  /** Resolves with the children of `parents`. */
  async #change(topic: string, parents: readonly string[], ask: () => Promise<unknown>): Promise<string[]> {
    const childrenIn = (map: ShardMap): string[] => [
      ...new Set(parents.flatMap((id) => map.shard(id)?.children ?? [])),
    ]
    let attempts = 0
    await retrying(
      async () => {
        attempts++
        // An attempt whose answer was lost may have been heard.
        if (attempts > 1 && childrenIn(await this.#shards(topic)).length > 0) return
        await ask()
      },
      { deadline: performance.now() + DEADLINE_MS },
    )
    const map = await this.#settled(
      topic,
      (map) => childrenIn(map).length > 0 && parents.every((id) => map.shard(id)?.open !== true),
    )
    return childrenIn(map)
  }

  /** Waits until the stream is ACTIVE and its map is as `wanted`. */
  async #settled(topic: string, wanted: (map: ShardMap) => boolean): Promise<ShardMap> {
    const { service, streams } = this.#kinesis
    streams.invalidate(topic)
    return retrying(
      async () => {
        const answer = await service.call(new DescribeStreamSummaryCommand({ StreamName: topic }))
        if (answer.StreamDescriptionSummary?.StreamStatus === 'ACTIVE') {
          const map = await this.#shards(topic)
          if (wanted(map)) return map
        }
        throw new StreamError('UNAVAILABLE', `stream '${topic}' is still being resharded: look again later`, {
          topic,
        })
      },
      {
        deadline: performance.now() + DEADLINE_MS,
        pauseMs: LOOK_AGAIN_MS,
        maxPauseMs: LOOK_AGAIN_AT_MOST_MS,
      },
    )
  }

  #shards(topic: string): Promise<ShardMap> {
    return this.#kinesis.streams.shards(topic, { maxAgeMs: 0 })
  }

  #openOne(map: ShardMap, partition: string): Shard {
    const shard = map.shard(partition)
    const options = { topic: map.stream, partition }
    if (shard === undefined) {
      throw new StreamError(
        'NOT_FOUND',
        `stream '${map.stream}' has no shard '${partition}': describe it for those it has`,
        options,
      )
    }
    if (shard.open) return shard
    throw new StreamError(
      'INVALID_ARGUMENT',
      `shard '${partition}' of '${map.stream}' has ended: use one of its children (${shard.children.join(', ')})`,
      options,
    )
  }

  async #refuseOnDemand(topic: string): Promise<void> {
    const { mode } = await this.#kinesis.streams.info(topic)
    if (mode === 'provisioned') return
    throw new StreamError(
      'UNSUPPORTED',
      `stream '${topic}' is on-demand, the service scales it by itself: leave that to it, or make it provisioned`,
      { topic },
    )
  }
}

/** Emulators scale unevenly; AWS does it in one go, even from many to many. */
function isAws(endpoint: string | undefined): boolean {
  return endpoint === undefined || /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname)
}

/** Whether the boundary is one of the shard's own, give or take how the service rounds. */
const isNear = (bound: bigint, { from, to }: Shard): boolean =>
  distance(bound, from) <= NEAR || distance(bound, to + 1n) <= NEAR

const distance = (a: bigint, b: bigint): bigint => (a < b ? b - a : a - b)
