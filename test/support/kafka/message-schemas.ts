import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { inflateRawSync } from 'node:zlib'
import type { StartedTestContainer } from 'testcontainers'

/** A field as Kafka's message generator has it: clients/src/main/resources/common/message/README.md */
export interface FieldSchema {
  readonly name: string
  readonly type: string
  readonly versions: string
  readonly nullableVersions?: string
  readonly flexibleVersions?: string
  readonly taggedVersions?: string
  readonly tag?: number
  readonly fields?: readonly FieldSchema[]
}

export interface MessageSchema {
  readonly apiKey: number
  readonly type: 'request' | 'response' | 'header' | 'data'
  readonly name: string
  readonly validVersions: string
  readonly flexibleVersions: string
  readonly fields: readonly FieldSchema[]
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly FieldSchema[] }[]
}

/** The requests and responses that the brokers of a container were generated from, by `request/KEY` and `response/KEY`. */
export async function messageSchemas(
  container: StartedTestContainer,
): Promise<ReadonlyMap<string, MessageSchema>> {
  const { stdout } = await container.exec(['sh', '-c', 'ls /opt/kafka/libs/kafka-clients-*.jar'])
  const archive = await container.copyArchiveFromContainer(stdout.trim())
  const jar = fileOf(await buffer(Readable.from(archive)))
  const schemas = new Map<string, MessageSchema>()
  for (const [name, bytes] of entriesOf(jar, /^common\/message\/.*(Request|Response)\.json$/)) {
    const schema = JSON.parse(withoutComments(bytes.toString())) as MessageSchema
    if (name.includes('Header') || schema.apiKey === undefined) continue
    schemas.set(`${schema.type}/${schema.apiKey}`, schema)
  }
  return schemas
}

const withoutComments = (text: string): string =>
  text.replace(/("(?:[^"\\]|\\.)*")|\/\/[^\n]*/g, (_, string: string | undefined) => string ?? '')

/** The one file of a tar archive. */
function fileOf(tar: Buffer): Buffer {
  const size = Number.parseInt(tar.toString('latin1', 124, 135), 8)
  return tar.subarray(512, 512 + size)
}

/** Files of a zip archive, found by its central directory. */
function* entriesOf(zip: Buffer, names: RegExp): Iterable<[string, Buffer]> {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const size = zip.readUInt32LE(at + 20)
    const nameLength = zip.readUInt16LE(at + 28)
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength)
    if (names.test(name)) {
      const local = zip.readUInt32LE(at + 42)
      const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
      const bytes = zip.subarray(from, from + size)
      yield [name, zip.readUInt16LE(at + 10) === 0 ? bytes : inflateRawSync(bytes)]
    }
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
}
