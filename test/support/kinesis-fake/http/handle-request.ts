import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { answer, bringDown } from '../../aws-faults/bring-down.ts'
import { cut } from '../../aws-faults/cut.ts'
import { readBody } from '../../aws-faults/read-body.ts'
import { ServiceError } from '../../aws-faults/service-error.ts'
import { operations } from '../operations/index.ts'
import { EventAnswer } from '../operations/subscribe-to-shard.ts'
import type { CallContext, Service } from '../service.ts'
import { type BodyFormat, formatOf, readRequest } from '../wire/body-format.ts'
import { EventSink } from '../wire/event-sink.ts'
import { callOf, type KinesisCall } from './call-of.ts'
import { checkCredentials } from './check-credentials.ts'

const TARGET = 'Kinesis_20131202.'

/** One request of AWS JSON 1.1, or of the same as CBOR, with the faults that meet it. */
export async function handleRequest(
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('x-amzn-requestid', randomUUID())
  response.setHeader('date', new Date(service.clock.now()).toUTCString())
  const format = formatOf(request.headers['content-type'])
  const refuse = (error: ServiceError): void => writeError(response, format, error)
  try {
    const body = await readBody(request)
    const name = String(request.headers['x-amz-target'] ?? '').replace(TARGET, '')
    const operation = operations[name]
    if (operation === undefined) throw new ServiceError('UnknownOperationException', '')
    const input = readRequest(format, body)
    const call = callOf(service, name, input)
    count(service, call)
    const faults = service.faults.meeting(call)
    if (await bringDown(faults, 'before', response, refuse)) return
    checkCredentials(service, request.headers)
    service.account.limitCalls(name, call.stream)
    const result = operation({ service, faults }, input as never)
    if (await bringDown(faults, 'after', response, refuse)) return
    if (result instanceof EventAnswer) startEvents(result, response, format)
    else finish(response, format, result, faults)
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

function writeError(
  response: ServerResponse,
  format: BodyFormat,
  { code, message, status }: ServiceError,
): void {
  response.statusCode = status
  response.setHeader('content-type', format.contentType)
  response.setHeader('x-amzn-errortype', code)
  response.end(format.write({ __type: code, message }))
}

function finish(
  response: ServerResponse,
  format: BodyFormat,
  result: object,
  faults: CallContext['faults'],
): void {
  const isEmpty = Object.keys(result).length === 0
  const body = isEmpty ? Buffer.alloc(0) : format.write(result)
  response.setHeader('content-type', format.contentType)
  response.setHeader('content-length', body.length)
  answer(response, body, faults)
}

function startEvents(events: EventAnswer, response: ServerResponse, format: BodyFormat): void {
  response.setHeader('content-type', 'application/vnd.amazon.eventstream')
  response.flushHeaders()
  events.start(new EventSink(response, format, () => cut(response)))
}
