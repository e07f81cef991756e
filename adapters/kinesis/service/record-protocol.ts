import type { Readable } from 'node:stream'
import type { _Record, KinesisClient, PutRecordsInput } from '@aws-sdk/client-kinesis'
import { BufferPool } from './buffer-pool.ts'
import { putRecordsBody } from './put-records-body.ts'

/** What the SDK's protocol is to its client, as far as it matters here. */
interface Protocol {
  serializeRequest(operation: Operation, input: object, context: unknown): Promise<unknown>
  deserializeResponse(operation: Operation, context: unknown, response: Answer): Promise<object>
}

interface Operation {
  readonly name: string
}

interface Answer {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Readable
}

interface JsonRecord {
  readonly SequenceNumber: string
  /** Seconds. */
  readonly ApproximateArrivalTimestamp: number
  readonly Data: string
  readonly PartitionKey?: string | null
}

/**
 * Writes and reads the bodies of PutRecords and GetRecords itself, all else stays the SDK's: its walk over the schema for each member of each
 * record takes most of a client's time.
 */
export function withRecordBodies(client: KinesisClient): KinesisClient {
  const protocol = client.config.protocol as unknown as Protocol
  const serialize = protocol.serializeRequest.bind(protocol)
  const deserialize = protocol.deserializeResponse.bind(protocol)
  protocol.serializeRequest = (operation, input, context) =>
    serialize(operation, operation.name === 'PutRecords' ? { Records: [] } : input, context)
  const bodies = new BufferPool()
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName !== 'PutRecordsCommand') return next(args)
        let memory: Buffer<ArrayBuffer> | undefined
        const body = putRecordsBody(args.input as PutRecordsInput, (bytes) => (memory = bodies.take(bytes)))
        ;(args.request as { body: unknown }).body = body
        const result = await next(args)
        // Answered: it was sent, all of it. After an error it may still be on its way.
        bodies.giveBack(memory!)
        return result
      },
    // Before the one that counts its bytes.
    { step: 'build', priority: 'high', name: 'millraceBody' },
  )
  protocol.deserializeResponse = async (operation, context, response) => {
    const { name } = operation
    if (response.statusCode !== 200 || (name !== 'PutRecords' && name !== 'GetRecords')) {
      return deserialize(operation, context, response)
    }
    const output = JSON.parse(await textOf(response.body))
    // To the SDK what is null is not there.
    for (const member of Object.keys(output)) if (output[member] === null) delete output[member]
    if (name === 'GetRecords') output.Records = (output.Records ?? []).map(recordOf)
    output.$metadata = { httpStatusCode: 200, requestId: response.headers['x-amzn-requestid'] }
    return output
  }
  return client
}

function recordOf(json: JsonRecord): _Record {
  return {
    SequenceNumber: json.SequenceNumber,
    ApproximateArrivalTimestamp: new Date(Math.round(json.ApproximateArrivalTimestamp * 1_000)),
    Data: Buffer.from(json.Data, 'base64'),
    PartitionKey: json.PartitionKey ?? undefined,
  }
}

/** All of the body, which may break off. */
function textOf(body: Readable): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    body.on('data', (chunk: Buffer) => chunks.push(chunk))
    body.on('end', () =>
      resolve(chunks.length === 1 ? chunks[0]!.toString() : Buffer.concat(chunks).toString()),
    )
    body.on('error', reject)
  })
}
