import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse } from 'node:http2'
import { setTimeout as wait } from 'node:timers/promises'
import type { MetFault } from '../faults/faults.ts'
import { operations } from '../operations/index.ts'
import { EventAnswer } from '../operations/subscribe-to-shard.ts'
import type { Service } from '../service.ts'
import { ServiceError, statusOf } from '../service-error.ts'
import { EventSink } from '../wire/event-sink.ts'
import { callOf } from './call-of.ts'
import { checkCredentials } from './check-credentials.ts'

const JSON_TYPE = 'application/x-amz-json-1.1'
const TARGET = 'Kinesis_20131202.'

/** One request of AWS JSON 1.1, with the faults that meet it. */
export async function handleRequest(
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('x-amzn-requestid', randomUUID())
  response.setHeader('date', new Date(service.clock.now()).toUTCString())
  try {
    const body = await readBody(request)
    const name = String(request.headers['x-amz-target'] ?? '').replace(TARGET, '')
    const operation = operations[name]
    if (operation === undefined) throw new ServiceError('UnknownOperationException', '')
    const input = parse(body)
    const call = callOf(service, name, input)
    count(
      service,
      call.operation,
      call.stream,
      'ShardId' in input || 'ShardIterator' in input ? call.shards()[0] : undefined,
    )
    const faults = service.faults.meeting(call)
    if (await broughtDown(faults, 'before', response)) return
    checkCredentials(service, request.headers)
    service.account.limitCalls(name, call.stream)
    const answer = operation({ service, faults }, input as never)
    if (await broughtDown(faults, 'after', response)) return
    if (answer instanceof EventAnswer) startEvents(answer, response)
    else finish(response, answer, faults)
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    refuse(response, error)
  }
}

/** A call of an operation counts once as such, once for its stream and once for its shard. */
function count({ calls }: Service, operation: string, stream?: string, shard?: string): void {
  calls.add(operation)
  if (stream !== undefined) calls.add(operation, stream)
  if (stream !== undefined && shard !== undefined) calls.add(operation, stream, shard)
}

function parse(body: Buffer): object {
  try {
    return body.length === 0 ? {} : JSON.parse(body.toString())
  } catch {
    throw new ServiceError('SerializationException', 'The request is not JSON.')
  }
}

/** Lets the faults of that moment happen; true when there is nothing left to answer. */
async function broughtDown(
  faults: readonly MetFault[],
  moment: 'before' | 'after',
  response: ServerResponse,
): Promise<boolean> {
  for (const { effect } of faults) {
    const { kind } = effect
    if (kind === 'delay' && (effect.when ?? 'after') === moment) await wait(effect.ms)
    else if (kind === 'hang' && moment === 'before') return true
    else if (kind === 'cut' && effect.when === moment) {
      cut(response)
      return true
    } else if (kind === 'error' && (effect.when ?? 'before') === moment) {
      refuse(response, new ServiceError(effect.code, effect.message ?? messageOf(effect.code)))
      return true
    }
  }
  return false
}

function messageOf(code: string): string {
  if (code === 'UnrecognizedClientException') return 'The security token included in the request is invalid.'
  if (code === 'ExpiredTokenException') return 'The security token included in the request is expired'
  if (code === 'ProvisionedThroughputExceededException') return 'Rate exceeded.'
  return statusOf(code) === 500 ? 'Internal service failure.' : `${code}.`
}

function refuse(response: ServerResponse, { code, message, status }: ServiceError): void {
  response.statusCode = status
  response.setHeader('content-type', JSON_TYPE)
  response.setHeader('x-amzn-errortype', code)
  response.end(JSON.stringify({ __type: code, message }))
}

function finish(response: ServerResponse, answer: object, faults: readonly MetFault[]): void {
  const isEmpty = Object.keys(answer).length === 0
  const body = isEmpty ? '' : JSON.stringify(answer)
  response.setHeader('content-type', JSON_TYPE)
  response.setHeader('content-length', Buffer.byteLength(body))
  if (faults.some(({ effect }) => effect.kind === 'cut' && effect.when === 'within')) {
    response.write(body.slice(0, body.length / 2), () => cut(response))
  } else response.end(body)
}

function startEvents(answer: EventAnswer, response: ServerResponse): void {
  response.setHeader('content-type', 'application/vnd.amazon.eventstream')
  response.flushHeaders()
  answer.start(new EventSink(response, () => cut(response)))
}

/** Breaks the whole connection, whichever protocol it speaks. */
function cut(response: ServerResponse | Http2ServerResponse): void {
  if ('stream' in response) response.stream.session?.destroy()
  else response.socket?.destroy()
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}
