import type { StandardSchemaV1 } from '@standard-schema/spec'
import { DecodeError, StreamError } from '../errors.ts'
import { json } from './json.ts'
import type { Serde } from './serde.ts'

/**
 * What a topic does with its values: a serde alone, or JSON with a schema. `validate` is there only with a schema: it
 * takes a decoded value and gives the schema's output, at once or later.
 */
export interface ValueCodec {
  readonly serde: Serde<unknown>
  readonly validate: ((value: unknown) => unknown | Promise<unknown>) | undefined
}

/** A serde is taken as it is; a Standard Schema validates what JSON carries. */
export function codecOf(value: Serde<unknown> | StandardSchemaV1, topic: string): ValueCodec {
  if (!('~standard' in value)) return { serde: value, validate: undefined }
  const standard = value['~standard']
  const settle = (result: StandardSchemaV1.Result<unknown>): unknown => {
    if (result.issues === undefined) return result.value
    throw schemaRefusal(result.issues)
  }
  return {
    serde: json(),
    validate(decoded) {
      const result = standard.validate(decoded)
      return result instanceof Promise ? result.then(settle) : settle(result)
    },
  }

  function schemaRefusal(issues: readonly StandardSchemaV1.Issue[]): StreamError {
    const first = issues
      .slice(0, 3)
      .map((issue) => `${issue.message}${pathOf(issue)}`)
      .join('; ')
    const more = issues.length > 3 ? ` and ${issues.length - 3} more` : ''
    return new StreamError(
      'INVALID_ARGUMENT',
      `a value does not fit the schema of topic "${topic}": ${first}${more}. Correct the value or the schema.`,
      { topic },
    )
  }
}

function pathOf(issue: StandardSchemaV1.Issue): string {
  if (!issue.path?.length) return ''
  const keys = issue.path.map((part) => String(typeof part === 'object' ? part.key : part))
  return ` at ${keys.join('.')}`
}

/** Encodes with a serde; a failure names the topic and what was sent. */
export function encodePart(
  serde: Serde<never>,
  value: unknown,
  part: 'key' | 'value',
  topic: string,
): Uint8Array {
  try {
    return serde.encode(value as never)
  } catch (cause) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `the ${part} of a record for topic "${topic}" cannot be encoded as ${serde.name}: ${messageOf(cause)}. ` +
        `Send a ${part} that the topic's serde takes.`,
      { topic, cause },
    )
  }
}

/** Decodes with a serde; a failure is a `DecodeError` at that record. */
export function decodePart<T>(
  serde: Serde<T>,
  bytes: Uint8Array,
  part: 'key' | 'value',
  at: { readonly topic: string; readonly partition: string; readonly position: string },
): T {
  try {
    return serde.decode(bytes)
  } catch (cause) {
    const { topic, partition, position } = at
    throw new DecodeError(
      part,
      `the ${part} at ${topic}/${partition}@${position} is not ${serde.name}: ${messageOf(cause)}. ` +
        `Read the topic with the serde it was written with, or let onPoison set such records aside.`,
      { topic, partition, position, cause },
    )
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
