import type { Api } from './wire.ts'
import { WireReader } from './wire-reader.ts'
import { WireWriter } from './wire-writer.ts'

/** A request with its length and header, to be written as it is. */
export function frameRequest<Request>(
  api: Api<Request, unknown>,
  correlationId: number,
  clientId: string,
  request: Request,
): readonly Buffer[] {
  const body = new WireWriter()
  body.int16(api.key).int16(api.version).int32(correlationId).string(clientId)
  if (api.flexible) body.tags()
  api.encode(body, request)
  const length = Buffer.allocUnsafe(4)
  length.writeInt32BE(body.size)
  return [length, ...body.chunks()]
}

/** An answer, without its length and correlation id. */
export function readAnswer<Request, Response>(
  api: Api<Request, Response>,
  answer: Buffer,
  request: Request,
): Response {
  const reader = new WireReader(answer)
  if (api.flexible) reader.tags()
  return api.decode(reader, request)
}
