import {
  CreateStreamCommand,
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type GetShardIteratorCommandInput,
  type KinesisClient,
  ListShardsCommand,
  type ListShardsCommandInput,
  PutRecordsCommand,
  type PutRecordsCommandOutput,
  RegisterStreamConsumerCommand,
  type Shard,
  type StartingPosition,
  SubscribeToShardCommand,
  type SubscribeToShardEvent,
} from '@aws-sdk/client-kinesis'
import type { KinesisFakeOptions } from '../options.ts'
import { type KinesisFake, startKinesisFake } from '../start-kinesis-fake.ts'
import { clientOf, type handlers } from './clients.ts'

export const FIRST = 'shardId-000000000000'
/** The name of the stream of `FakeStream`. */
export const NAME = 'stream'

/** A fake with one stream, and short ways to use it by the SDK. */
export class FakeStream {
  readonly fake: KinesisFake
  readonly client: KinesisClient

  private constructor(fake: KinesisFake, client: KinesisClient) {
    this.fake = fake
    this.client = client
  }

  /** Changes settle at once unless `settleMs` says otherwise. */
  static async start(
    options: KinesisFakeOptions & {
      readonly shards?: number
      readonly handler?: keyof typeof handlers
    } = {},
  ): Promise<FakeStream> {
    const { shards = 1, handler = 'HTTP/1.1', ...rest } = options
    const fake = await startKinesisFake({ settleMs: 0, ...rest })
    const client = clientOf(fake.endpoint, handler)
    await client.send(new CreateStreamCommand({ StreamName: NAME, ShardCount: shards }))
    return new FakeStream(fake, client)
  }

  /** Values as text, all with this explicit hash. */
  put(values: readonly string[], hash = '0'): Promise<PutRecordsCommandOutput> {
    const Records = values.map((value) => ({
      Data: Buffer.from(value),
      PartitionKey: 'key',
      ExplicitHashKey: hash,
    }))
    return this.client.send(new PutRecordsCommand({ StreamName: NAME, Records }))
  }

  async iterator(
    shard = FIRST,
    options: Partial<GetShardIteratorCommandInput> &
      Pick<GetShardIteratorCommandInput, 'ShardIteratorType'> = {
      ShardIteratorType: 'TRIM_HORIZON',
    },
  ): Promise<string> {
    const { ShardIterator } = await this.client.send(
      new GetShardIteratorCommand({ StreamName: NAME, ShardId: shard, ...options }),
    )
    return ShardIterator!
  }

  get(ShardIterator: string, Limit?: number): Promise<GetRecordsCommandOutput> {
    return this.client.send(new GetRecordsCommand({ ShardIterator, Limit }))
  }

  /** What one GetRecords gives from there, as text. */
  async read(...position: Parameters<FakeStream['iterator']>): Promise<string[]> {
    return texts(await this.get(await this.iterator(...position)))
  }

  async shards(options: Partial<ListShardsCommandInput> = {}): Promise<Shard[]> {
    const all: Shard[] = []
    let NextToken: string | undefined
    do {
      const page = await this.client.send(
        new ListShardsCommand(
          NextToken === undefined
            ? { StreamName: NAME, ...options }
            : { NextToken, MaxResults: options.MaxResults },
        ),
      )
      all.push(...(page.Shards ?? []))
      NextToken = page.NextToken
    } while (NextToken !== undefined)
    return all
  }

  /** The consumer's ARN. */
  async register(name = 'consumer'): Promise<string> {
    const { Consumer } = await this.client.send(
      new RegisterStreamConsumerCommand({ StreamARN: this.fake.stream(NAME).arn, ConsumerName: name }),
    )
    return Consumer!.ConsumerARN!
  }

  async subscribe(
    arn: string,
    shard = FIRST,
    start: StartingPosition = { Type: 'TRIM_HORIZON' },
    abortSignal?: AbortSignal,
  ): Promise<AsyncIterator<SubscribeToShardEvent>> {
    const { EventStream } = await this.client.send(
      new SubscribeToShardCommand({ ConsumerARN: arn, ShardId: shard, StartingPosition: start }),
      abortSignal === undefined ? {} : { abortSignal },
    )
    return events(EventStream!)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy()
    await this.fake.stop()
  }
}

async function* events(
  stream: AsyncIterable<{ SubscribeToShardEvent?: SubscribeToShardEvent | undefined }>,
): AsyncGenerator<SubscribeToShardEvent> {
  for await (const { SubscribeToShardEvent } of stream) if (SubscribeToShardEvent) yield SubscribeToShardEvent
}

export const texts = ({
  Records = [],
}: {
  Records?: { Data?: Uint8Array | undefined }[] | undefined
}): string[] => Records.map(({ Data }) => Buffer.from(Data!).toString())
