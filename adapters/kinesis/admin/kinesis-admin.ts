import {
  AddTagsToStreamCommand,
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  IncreaseStreamRetentionPeriodCommand,
  ListStreamsCommand,
  UpdateMaxRecordSizeCommand,
} from '@aws-sdk/client-kinesis'
import { type DriverAdmin, StreamError, type TopicDescription, type TopicSpec } from '../../../src/driver.ts'
import type { Kinesis } from '../parts.ts'
import { retrying } from '../service/retrying.ts'
import { MAX_RECORD_BYTES_TAG } from '../shards/record-limit.ts'
import { Resharding } from './resharding.ts'
import { toNewStream } from './stream-spec.ts'

/** The service itself takes up to a minute or so for each change. */
const DEADLINE_MS = 300_000
/** DescribeStreamSummary is allowed 20 times a second and account. */
const LOOK_AGAIN_MS = 100
const LOOK_AGAIN_AT_MOST_MS = 2_000

/** Streams and their shards. */
export class KinesisAdmin implements DriverAdmin {
  readonly #kinesis: Kinesis
  readonly #resharding: Resharding

  constructor(kinesis: Kinesis) {
    this.#kinesis = kinesis
    this.#resharding = new Resharding(kinesis)
  }

  async createTopic(spec: TopicSpec): Promise<void> {
    const { input, retentionHours, maxRecordKiB, recordLimit } = toNewStream(spec)
    const { service, streams } = this.#kinesis
    const { name } = spec
    await this.#create(input, name)
    streams.forget(name)
    await this.#untilActive(name)
    const stream = { StreamName: name }
    if (retentionHours !== undefined && retentionHours !== 24) {
      const command = { ...stream, RetentionPeriodHours: retentionHours }
      await this.#change(name, () => service.call(new IncreaseStreamRetentionPeriodCommand(command)))
    }
    if (maxRecordKiB !== undefined) {
      const { arn } = await streams.info(name)
      const command = { StreamARN: arn, MaxRecordSizeInKiB: maxRecordKiB }
      await this.#change(name, () => service.call(new UpdateMaxRecordSizeCommand(command)))
    }
    streams.forget(name)
    if (recordLimit !== undefined && (await streams.maxRecordBytes(name)) !== recordLimit) {
      // LocalStack passes over the tags of CreateStream.
      const Tags = { [MAX_RECORD_BYTES_TAG]: String(recordLimit) }
      await this.#again(() => service.call(new AddTagsToStreamCommand({ ...stream, Tags })))
      streams.forget(name)
    }
    await streams.shards(name)
  }

  async listTopics(): Promise<string[]> {
    const { service } = this.#kinesis
    const names: string[] = []
    for (;;) {
      const after = names.at(-1)
      const input = after === undefined ? {} : { ExclusiveStartStreamName: after }
      const answer = await this.#again(() => service.call(new ListStreamsCommand(input)))
      names.push(...(answer.StreamNames ?? []))
      if (answer.HasMoreStreams !== true || names.at(-1) === after) return names.sort()
    }
  }

  async describeTopic(topic: string): Promise<TopicDescription> {
    const { streams } = this.#kinesis
    const [info, { shards }, maxRecordBytes] = await Promise.all([
      streams.info(topic, { maxAgeMs: 0 }),
      streams.shards(topic, { maxAgeMs: 0 }),
      streams.maxRecordBytes(topic),
    ])
    return {
      name: topic,
      partitions: shards.map(({ id, open, parents, children, from, to }) => ({
        id,
        state: open ? 'open' : 'ended',
        parents,
        children,
        hashRange: { from: String(from), to: String(to) },
        earliest: null,
        latest: null,
      })),
      maxRecordBytes,
      retentionMs: info.retentionMs,
      compacted: false,
      settings: { mode: info.mode },
    }
  }

  async deleteTopic(topic: string): Promise<void> {
    const { service, streams } = this.#kinesis
    const input = { StreamName: topic, EnforceConsumerDeletion: true }
    let attempts = 0
    try {
      await this.#again(async () => {
        attempts++
        await service.call(new DeleteStreamCommand(input))
      })
      attempts++
      await this.#look(topic, () => false)
    } catch (error) {
      // It is gone: what was wanted, unless it never was there.
      if (!isNotFound(error)) throw error
      if (attempts === 1) throw noStream(topic, error)
    } finally {
      streams.forget(topic)
    }
  }

  addPartitions(topic: string, total: number): Promise<void> {
    return this.#resharding.toCount(topic, total)
  }

  splitPartition(topic: string, partition: string): Promise<string[]> {
    return this.#resharding.split(topic, partition)
  }

  mergePartitions(topic: string, partitions: readonly [string, string]): Promise<string[]> {
    return this.#resharding.merge(topic, partitions)
  }

  async #create(input: ConstructorParameters<typeof CreateStreamCommand>[0], topic: string): Promise<void> {
    let attempts = 0
    await this.#again(async () => {
      attempts++
      try {
        await this.#kinesis.service.call(new CreateStreamCommand(input))
      } catch (error) {
        if (causeName(error) !== 'ResourceInUseException') throw error
        // What failed before may have made it all the same.
        if (attempts > 1) return
        throw new StreamError(
          'ALREADY_EXISTS',
          `there is a stream '${topic}' already: use it, or another name`,
          {
            topic,
            cause: error,
          },
        )
      }
    })
  }

  #untilActive(topic: string): Promise<void> {
    return this.#look(topic, (status) => status === 'ACTIVE')
  }

  /** Asks for the stream's status until `wanted`. */
  async #look(topic: string, wanted: (status: string | undefined) => boolean): Promise<void> {
    const again = (): StreamError =>
      new StreamError('UNAVAILABLE', `stream '${topic}' is still being changed: look again later`, { topic })
    await retrying(
      async () => {
        const input = { StreamName: topic }
        const answer = await this.#kinesis.service.call(new DescribeStreamSummaryCommand(input))
        if (!wanted(answer.StreamDescriptionSummary?.StreamStatus)) throw again()
      },
      {
        deadline: performance.now() + DEADLINE_MS,
        pauseMs: LOOK_AGAIN_MS,
        maxPauseMs: LOOK_AGAIN_AT_MOST_MS,
      },
    )
  }

  /** Asks for a change, again where another one is going on, and waits until it is done. */
  async #change(topic: string, change: () => Promise<unknown>): Promise<void> {
    await this.#again(change)
    await this.#untilActive(topic)
  }

  #again<T>(attempt: () => Promise<T>): Promise<T> {
    return retrying(attempt, { deadline: performance.now() + DEADLINE_MS })
  }
}

function noStream(topic: string, cause: unknown): StreamError {
  return new StreamError('NOT_FOUND', `there is no stream '${topic}' here: look at its name and region`, {
    topic,
    cause,
  })
}

function isNotFound(error: unknown): boolean {
  return error instanceof StreamError && error.code === 'NOT_FOUND'
}

function causeName(error: unknown): unknown {
  return ((error as Error | undefined)?.cause as Error | undefined)?.name
}
