import type { FieldSchema, MessageSchema } from './message-schemas.ts'

/** Whether a version is in a range as schemas write them: `3`, `4-18`, `12+`, `none`. */
export function isIn(range: string | undefined, version: number): boolean {
  const match = /^(\d+)(\+|-(\d+))?$/.exec(range ?? 'none')
  if (match === null) return false
  const [, from, more, to] = match
  const last = more === undefined ? Number(from) : more === '+' ? Number.POSITIVE_INFINITY : Number(to)
  return version >= Number(from) && version <= last
}

/**
 * Decodes a message by its schema alone, to the last byte. Throws where lengths, nulls or tags are not as the schema has them, or
 * bytes are left.
 */
export function decodeBySchema(schema: MessageSchema, version: number, bytes: Buffer): unknown {
  if (!isIn(schema.validVersions, version)) {
    throw new Error(`${schema.name} has versions ${schema.validVersions}, not ${version}`)
  }
  const decoder = new SchemaDecoder(schema, version, bytes)
  const value = decoder.struct(schema.fields, schema.name)
  if (decoder.left > 0) throw new Error(`${schema.name} ${version}: ${decoder.left} bytes are left`)
  return value
}

class SchemaDecoder {
  readonly #schema: MessageSchema
  readonly #version: number
  readonly #bytes: Buffer
  readonly #flexible: boolean
  #at = 0

  constructor(schema: MessageSchema, version: number, bytes: Buffer) {
    this.#schema = schema
    this.#version = version
    this.#bytes = bytes
    this.#flexible = isIn(schema.flexibleVersions, version)
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  struct(fields: readonly FieldSchema[], path: string): Record<string, unknown> {
    const value: Record<string, unknown> = {}
    const present = fields.filter(({ versions }) => isIn(versions, this.#version))
    const tagged = present.filter(({ taggedVersions }) => isIn(taggedVersions, this.#version))
    for (const field of present) {
      if (!tagged.includes(field)) value[field.name] = this.#field(field, `${path}.${field.name}`)
    }
    if (this.#flexible) this.#tags(tagged, value, path)
    return value
  }

  #tags(tagged: readonly FieldSchema[], value: Record<string, unknown>, path: string): void {
    let previous = -1
    for (let count = this.#uvarint(); count > 0; count--) {
      const tag = this.#uvarint()
      if (tag <= previous) throw new Error(`${path}: tag ${tag} after ${previous}`)
      previous = tag
      const size = this.#uvarint()
      const end = this.#at + size
      const field = tagged.find((each) => each.tag === tag)
      if (field === undefined) this.#take(size)
      else value[field.name] = this.#field(field, `${path}.${field.name}`)
      if (this.#at !== end) throw new Error(`${path}: tag ${tag} is not of ${size} bytes`)
    }
  }

  #field(field: FieldSchema, path: string): unknown {
    const flexible = this.#flexible && field.flexibleVersions !== 'none'
    const nullable = isIn(field.nullableVersions, this.#version)
    if (field.type.startsWith('[]')) {
      const count = this.#length(flexible, 4, nullable, path)
      if (count === null) return null
      const items: unknown[] = []
      const element = { ...field, type: field.type.slice(2), nullableVersions: 'none' }
      for (let i = 0; i < count; i++) items.push(this.#field(element, `${path}[${i}]`))
      return items
    }
    switch (field.type) {
      case 'bool': {
        const byte = this.#take(1)[0]!
        if (byte > 1) throw new Error(`${path}: ${byte} is no boolean`)
        return byte === 1
      }
      case 'int8':
        return this.#take(1).readInt8()
      case 'int16':
        return this.#take(2).readInt16BE()
      case 'uint16':
        return this.#take(2).readUInt16BE()
      case 'int32':
        return this.#take(4).readInt32BE()
      case 'uint32':
        return this.#take(4).readUInt32BE()
      case 'int64':
        return this.#take(8).readBigInt64BE()
      case 'float64':
        return this.#take(8).readDoubleBE()
      case 'uuid':
        return this.#take(16).toString('hex')
      case 'string': {
        const length = this.#length(flexible, 2, nullable, path)
        return length === null ? null : new TextDecoder('utf-8', { fatal: true }).decode(this.#take(length))
      }
      case 'bytes':
      case 'records': {
        const length = this.#length(flexible, 4, nullable, path)
        return length === null ? null : this.#take(length)
      }
      default: {
        const fields =
          field.fields ?? this.#schema.commonStructs?.find(({ name }) => name === field.type)?.fields
        if (fields === undefined) throw new Error(`${path}: no type ${field.type}`)
        // A struct that may be null is told by a byte.
        if (nullable && this.#take(1).readInt8() < 0) return null
        return this.struct(fields, path)
      }
    }
  }

  #length(flexible: boolean, size: 2 | 4, nullable: boolean, path: string): number | null {
    const length = flexible
      ? this.#uvarint() - 1
      : size === 2
        ? this.#take(2).readInt16BE()
        : this.#take(4).readInt32BE()
    if (length >= 0) return length
    if (length === -1 && nullable) return null
    throw new Error(`${path}: length ${length}`)
  }

  #uvarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#take(1)[0]!
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new Error('a variable-length integer without an end')
  }

  #take(size: number): Buffer {
    if (size > this.left) throw new Error(`${this.#schema.name}: ${size} bytes wanted, ${this.left} there`)
    return this.#bytes.subarray(this.#at, (this.#at += size))
  }
}
