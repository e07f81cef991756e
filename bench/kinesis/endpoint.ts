// An endpoint of Kinesis that answers at once: what is measured is the client. A process of its own; it prints its ports. It knows what the
// contenders ask for and no more, keeps no records, and never throttles.
import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { eventFrame } from '../../test/support/kinesis-fake/wire/event-frame.ts'
import { AnswerTemplate, sequenceOf } from './answer-template.ts'
import { hashOf, rangeOf, shardId, shardOf } from './shard-space.ts'
import { parseStreamName } from './stream-name.ts'

interface PutRecord {
  readonly PartitionKey: string
  readonly ExplicitHashKey?: string
}

const ACCOUNT = 'arn:aws:kinesis:us-east-1:000000000000'
const JSON_TYPE = 'application/x-amz-json-1.1'
/** What one event of a subscription brings at most. */
const EVENT_BYTES = 1 << 20

/** Requests that wrote or read records since the last look. */
let requests = 0
let written = 0

const templates = new Map<string, AnswerTemplate>()

function templateOf(stream: string, shard: number): AnswerTemplate {
  const { tag: _, ...kind } = parseStreamName(stream)
  const name = `${kind.shards}-${kind.valueBytes}-${kind.aggregated}-${shard}`
  let template = templates.get(name)
  if (template === undefined)
    templates.set(name, (template = new AnswerTemplate({ ...kind, tag: '' }, shard)))
  return template
}

const nameOf = (input: { StreamName?: string; StreamARN?: string; ConsumerARN?: string }): string =>
  input.StreamName ?? /stream\/([^/]+)/.exec(input.StreamARN ?? input.ConsumerARN ?? '')?.[1] ?? ''

// biome-ignore lint/suspicious/noExplicitAny: bodies are what the SDK makes of its own types
const operations: Record<string, (input: any) => object | Buffer> = {
  PutRecords(input: { StreamName?: string; StreamARN?: string; Records: readonly PutRecord[] }) {
    const { shards } = parseStreamName(nameOf(input))
    requests++
    const answers = input.Records.map(({ PartitionKey, ExplicitHashKey }) => {
      const hash = ExplicitHashKey == null ? hashOf(PartitionKey) : BigInt(ExplicitHashKey)
      const shard = shardOf(hash, shards)
      return `{"SequenceNumber":"${sequenceOf(shard, ++written)}","ShardId":"${shardId(shard)}"}`
    })
    return Buffer.from(`{"FailedRecordCount":0,"Records":[${answers.join(',')}]}`)
  },

  GetShardIterator(input) {
    const shard = Number(String(input.ShardId).slice(-12))
    const after = /(\d{12})$/.exec(input.StartingSequenceNumber ?? '')?.[1]
    const next =
      after === undefined ? 1 : Number(after) + (input.ShardIteratorType === 'AFTER_SEQUENCE_NUMBER' ? 1 : 0)
    return { ShardIterator: `${nameOf(input)}|${shard}|${next}` }
  },

  GetRecords(input: { ShardIterator: string; Limit?: number }) {
    const [stream, shard, from] = input.ShardIterator.split('|') as [string, string, string]
    requests++
    const { body, count } = templateOf(stream, Number(shard)).records(Number(from), input.Limit ?? 10_000)
    const next = `${stream}|${shard}|${Number(from) + count}`
    return Buffer.concat([
      Buffer.from(`{"MillisBehindLatest":1000,"NextShardIterator":"${next}","Records":[`),
      body,
      Buffer.from(']}'),
    ])
  },

  ListShards(input) {
    const stream = input.NextToken ?? nameOf(input)
    const { shards } = parseStreamName(stream)
    return {
      Shards: Array.from({ length: shards }, (_, i) => ({
        ShardId: shardId(i),
        HashKeyRange: {
          StartingHashKey: String(rangeOf(i, shards).from),
          EndingHashKey: String(rangeOf(i, shards).to),
        },
        SequenceNumberRange: { StartingSequenceNumber: sequenceOf(i, 0) },
      })),
    }
  },

  DescribeStreamSummary(input) {
    const name = nameOf(input)
    return {
      StreamDescriptionSummary: {
        StreamName: name,
        StreamARN: `${ACCOUNT}:stream/${name}`,
        StreamStatus: 'ACTIVE',
        StreamModeDetails: { StreamMode: 'PROVISIONED' },
        RetentionPeriodHours: 24,
        StreamCreationTimestamp: 1_700_000_000,
        EnhancedMonitoring: [],
        EncryptionType: 'NONE',
        OpenShardCount: parseStreamName(name).shards,
        ConsumerCount: 0,
        MaxRecordSizeInKiB: 1024,
      },
    }
  },

  DescribeStreamConsumer: (input) => ({ ConsumerDescription: consumerOf(input) }),
  RegisterStreamConsumer: (input) => ({ Consumer: consumerOf(input) }),
  ListStreamConsumers: () => ({ Consumers: [] }),
  ListTagsForStream: () => ({ Tags: [], HasMoreTags: false }),
  ListStreams: () => ({ StreamNames: [], HasMoreStreams: false }),
}

function consumerOf(input: { StreamARN?: string; ConsumerName?: string; ConsumerARN?: string }): object {
  const arn = input.ConsumerARN ?? `${input.StreamARN}/consumer/${input.ConsumerName}:1`
  const name = /consumer\/([^:]+)/.exec(arn)?.[1]
  return {
    ConsumerName: name,
    ConsumerARN: arn,
    ConsumerStatus: 'ACTIVE',
    ConsumerCreationTimestamp: 1_700_000_000,
  }
}

/** Events as fast as they are taken. */
function subscribe(
  input: {
    ConsumerARN: string
    ShardId: string
    StartingPosition: { Type: string; SequenceNumber?: string }
  },
  response: http.ServerResponse,
): void {
  const stream = nameOf(input)
  const shard = Number(input.ShardId.slice(-12))
  const template = templateOf(stream, shard)
  const { SequenceNumber } = input.StartingPosition
  let next = SequenceNumber === undefined ? 1 : Number(SequenceNumber.slice(-12)) + 1
  response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
  response.write(frame('initial-response', '{}'))
  const { valueBytes, aggregated } = parseStreamName(stream)
  const limit = Math.max(1, Math.floor(EVENT_BYTES / (aggregated ? 70_000 : valueBytes * 1.4 + 200)))
  const more = (): void => {
    let room = true
    while (room && !response.destroyed) {
      const { body, count } = template.records(next, limit)
      next += count
      requests++
      const text = `{"ContinuationSequenceNumber":"${sequenceOf(shard, next - 1)}","MillisBehindLatest":1000,"Records":[${body.toString('latin1')}]}`
      room = response.write(frame('SubscribeToShardEvent', text))
    }
    if (!response.destroyed) response.once('drain', more)
  }
  more()
}

const frame = (type: string, payload: string): Buffer =>
  eventFrame({ ':event-type': type, ':content-type': JSON_TYPE, ':message-type': 'event' }, payload)

function serve(request: http.IncomingMessage, response: http.ServerResponse): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    // Asked by the bench.
    if (request.url === '/requests') {
      response.end(String(requests))
      requests = 0
      return
    }
    const operation = String(request.headers['x-amz-target']).split('.').at(-1)!
    const text = Buffer.concat(chunks).toString()
    const input = text === '' ? {} : JSON.parse(text)
    if (operation === 'SubscribeToShard') return subscribe(input, response)
    const answer = operations[operation]?.(input)
    if (answer === undefined) {
      response.writeHead(400, { 'content-type': JSON_TYPE })
      response.end(
        JSON.stringify({ __type: 'UnknownOperationException', message: `${operation} is not here` }),
      )
      return
    }
    response.setHeader('content-type', JSON_TYPE)
    response.end(Buffer.isBuffer(answer) ? answer : JSON.stringify(answer))
  })
}

const certificates = path.join(import.meta.dirname, '../../test/support/kafka/certificates')
const plainServer = http.createServer(serve).listen(0, '127.0.0.1')
// KPL speaks nothing but TLS.
const tlsServer = https
  .createServer(
    {
      key: readFileSync(path.join(certificates, 'broker.key')),
      cert: readFileSync(path.join(certificates, 'broker.pem')),
    },
    serve,
  )
  .listen(0, '127.0.0.1')
// Contenders take turns, and find their connections again.
for (const server of [plainServer, tlsServer]) server.keepAliveTimeout = 3_600_000
await Promise.all([plainServer, tlsServer].map((each) => new Promise((done) => each.once('listening', done))))
process.send?.({
  port: (plainServer.address() as AddressInfo).port,
  tlsPort: (tlsServer.address() as AddressInfo).port,
})
process.on('disconnect', () => process.exit())
