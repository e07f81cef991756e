import { StreamError } from '../../../src/driver.ts'

/** To the one of two members with the same name that has to end. */
export function sameInstance(group: string, instanceId: string): StreamError {
  return new StreamError(
    'FENCED',
    `group '${group}' has another live member with the instanceId '${instanceId}': end one of them, or give each an instanceId of its own`,
  )
}

/** For brokers that would not tell a leader that came back that it leads. */
export function withoutStaticMembers(cause: StreamError): StreamError {
  return new StreamError(
    'UNSUPPORTED',
    'members with an instanceId need Kafka 3.2 or newer: leave instanceId out, or use a newer cluster',
    { cause },
  )
}
