import { ServiceError } from '../../aws-faults/service-error.ts'
import { readCbor } from './cbor-reader.ts'
import { writeCbor } from './write-cbor.ts'

/** How bodies are written: as the request's, also in event streams. */
export interface BodyFormat {
  readonly contentType: string
  read(body: Buffer): object
  write(body: object): Buffer
}

const JSON_FORMAT: BodyFormat = {
  contentType: 'application/x-amz-json-1.1',
  read: (body) => JSON.parse(body.toString()),
  write: (body) => Buffer.from(JSON.stringify(body)),
}

/** What the SDK for Java speaks unless it is told otherwise. */
const CBOR_FORMAT: BodyFormat = {
  contentType: 'application/x-amz-cbor-1.1',
  read: (body) => readCbor(body) as object,
  write: writeCbor,
}

export const formatOf = (contentType: string | undefined): BodyFormat =>
  contentType === CBOR_FORMAT.contentType ? CBOR_FORMAT : JSON_FORMAT

/** Throws SerializationException. */
export function readRequest(format: BodyFormat, body: Buffer): object {
  try {
    return body.length === 0 ? {} : format.read(body)
  } catch {
    throw new ServiceError('SerializationException', `The request is not of ${format.contentType}.`)
  }
}
