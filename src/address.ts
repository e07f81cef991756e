import { StreamError } from './errors.ts'

const FORMS =
  'log:./data, memory:, kafka://host:9092, msk://host:9098?region=eu-west-1 or kinesis://eu-west-1'

/** The scheme of an address, lower case. Throws INVALID_ARGUMENT with the forms that exist. */
export function schemeOf(address: string): string {
  const match = /^([a-z][a-z0-9+.-]*):/i.exec(address)
  if (match?.[1]) return match[1].toLowerCase()
  const guess = /^[./~]/.test(address) ? ` Did you mean "log:${address}"?` : ''
  throw new StreamError('INVALID_ARGUMENT', `"${address}" is no address: write ${FORMS}.${guess}`)
}

/** The error for a scheme that nobody serves. */
export function unknownScheme(address: string): StreamError {
  return new StreamError('INVALID_ARGUMENT', `no backend has the scheme of "${address}": write ${FORMS}.`)
}
