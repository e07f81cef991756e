import assert from 'node:assert/strict'
import { StreamError, type StreamErrorCode } from '../../src/index.ts'
import { within } from './eventually.ts'

/** The call fails within seconds with this code and a message that says something; gives the error. */
export async function rejectsWith(
  code: StreamErrorCode | readonly StreamErrorCode[],
  call: () => unknown,
  message?: RegExp,
  what?: string,
): Promise<StreamError> {
  const codes = typeof code === 'string' ? [code] : code
  const error = await within(6_000, failureOf(call), `a refusal with ${codes.join(' or ')}`)
  assert.ok(
    error !== undefined,
    `expected ${codes.join(' or ')}${what ? ` of ${what}` : ''}, but it succeeded`,
  )
  assert.ok(
    error instanceof StreamError,
    `expected a StreamError ${codes.join(' or ')}, got ${error instanceof Error ? error.stack : String(error)}`,
  )
  assert.ok(codes.includes(error.code), `expected ${codes.join(' or ')}, got ${error.code}: ${error.message}`)
  assert.ok(error.message.length > 15, `the message "${error.message}" explains nothing`)
  if (message !== undefined) assert.match(error.message, message)
  return error
}

async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return undefined
  } catch (error) {
    return error ?? new Error('rejected with nothing')
  }
}
