import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answer, bringDown } from '../../aws-faults/bring-down.ts'
import { cut } from '../../aws-faults/cut.ts'
import { readBody } from '../../aws-faults/read-body.ts'
import { ServiceError } from '../../aws-faults/service-error.ts'
import { operations } from '../operations/index.ts'
import { EventAnswer } from '../operations/subscribe-to-shard.ts'
import type { CallContext, Service } from '../service.ts'
import { EventSink } from '../wire/event-sink.ts'
import { callOf, type KinesisCall } from './call-of.ts'
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
  const refuse = (error: ServiceError): void => writeError(response, error)
  try {
    const body = await readBody(request)
    const name = String(request.headers['x-amz-target'] ?? '').replace(TARGET, '')
    const operation = operations[name]
    if (operation === undefined) throw new ServiceError('UnknownOperationException', '')
    const input = parse(body)
    const call = callOf(service, name, input)
    count(service, call)
    const faults = service.faults.meeting(call)
    if (await bringDown(faults, 'before', response, refuse)) return
    checkCredentials(service, request.headers)
    service.account.limitCalls(name, call.stream)
    const result = operation({ service, faults }, input as never)
    if (await bringDown(faults, 'after', response, refuse)) return
    if (result instanceof EventAnswer) startEvents(result, response)
    else finish(response, result, faults)
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    refuse(error)
  }
}

/** A call of an operation counts once as such, once for its stream and once for its shard. */
function count({ calls }: Service, { operation, stream, shard }: KinesisCall): void {
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

function writeError(response: ServerResponse, { code, message, status }: ServiceError): void {
  response.statusCode = status
  response.setHeader('content-type', JSON_TYPE)
  response.setHeader('x-amzn-errortype', code)
  response.end(JSON.stringify({ __type: code, message }))
}

function finish(response: ServerResponse, result: object, faults: CallContext['faults']): void {
  const isEmpty = Object.keys(result).length === 0
  const body = isEmpty ? Buffer.alloc(0) : Buffer.from(JSON.stringify(result))
  response.setHeader('content-type', JSON_TYPE)
  response.setHeader('content-length', body.length)
  answer(response, body, faults)
}

function startEvents(events: EventAnswer, response: ServerResponse): void {
  response.setHeader('content-type', 'application/vnd.amazon.eventstream')
  response.flushHeaders()
  events.start(new EventSink(response, () => cut(response)))
}
