import * as sdk from '@aws-sdk/client-kinesis'

/** A member's shape in the SDK's model: a number for what is simple, an array, or a function that gives one. */
type Schema = number | readonly unknown[] | (() => Schema)
type Structure = readonly [3, string, string, unknown, readonly string[], readonly Schema[], number?]

const BLOB = 21
const kinds: Readonly<Record<number, (value: unknown) => boolean>> = {
  0: (value) => typeof value === 'string',
  1: (value) => typeof value === 'number',
  2: (value) => typeof value === 'boolean',
  // Timestamps are seconds since 1970, with a fraction.
  4: (value) => typeof value === 'number' && value > 1_000_000_000 && value < 10_000_000_000,
  [BLOB]: (value) => typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value),
}

/** What a body on the wire has that the model of the SDK does not know, lacks that it requires, or has in another form. */
export function problemsOf(name: string, body: object): string[] {
  const schema = (sdk as unknown as Record<string, Schema>)[`${name}$`]
  return schema === undefined ? [`the model has no ${name}`] : check(schema, body, name)
}

function check(schema: Schema, value: unknown, path: string): string[] {
  if (typeof schema === 'function') return check(schema(), value, path)
  if (typeof schema === 'number') {
    // 64: a list of what is simple.
    if (schema >= 64 && schema < 128) return list(schema - 64, value, path)
    return kinds[schema]?.(value) ? [] : [`${path}: ${JSON.stringify(value)} is not of kind ${schema}`]
  }
  if (schema[0] === 1) return list(schema[4] as Schema, value, path)
  if (schema[0] !== 3) return check(schema[0] as Schema, value, path)
  return structure(schema as unknown as Structure, value, path)
}

function list(item: Schema, value: unknown, path: string): string[] {
  if (!Array.isArray(value)) return [`${path}: not a list`]
  return value.flatMap((each, i) => check(item, each, `${path}[${i}]`))
}

/** Null stands for nothing, as the service writes it. */
function structure(
  [, , , , names, schemas, required = 0]: Structure,
  value: unknown,
  path: string,
): string[] {
  if (typeof value !== 'object' || value === null) return [`${path}: not a structure`]
  const members = Object.entries(value).filter(([, member]) => member !== null)
  const present = new Set(members.map(([name]) => name))
  return [
    ...names.slice(0, required).flatMap((name) => (present.has(name) ? [] : [`${path}.${name}: required`])),
    ...members.flatMap(([name, member]) => {
      const i = names.indexOf(name)
      return i < 0 ? [`${path}.${name}: unknown`] : check(schemas[i]!, member, `${path}.${name}`)
    }),
  ]
}
