import { StreamError } from '../../../../src/driver.ts'
import { errorOf, KafkaError } from '../error-codes.ts'

interface PlatformaticError extends Error {
  readonly errors?: readonly unknown[]
  /** Kafka's error code, where a broker answered one. */
  readonly apiCode?: number
  readonly serverErrorMessage?: string | null
}

/** An error of @platformatic/kafka on its way to `broker` (host:port) as a StreamError. */
export function fromPlatformatic(error: unknown, broker: string, hint: string): StreamError {
  const first = innermost(error)
  if (first instanceof StreamError) return first
  const { apiCode, serverErrorMessage, message } = first as PlatformaticError
  const said = serverErrorMessage ?? message
  if (apiCode === KafkaError.SASL_AUTHENTICATION_FAILED || isRefusal(error)) {
    return new StreamError(
      'PERMISSION_DENIED',
      `${broker} refused the credentials (${said}): look at user name, password or token, and at the mechanism`,
      { cause: error },
    )
  }
  if (typeof apiCode === 'number') {
    return errorOf(apiCode, `connecting to ${broker}`, { detail: serverErrorMessage ?? null })
  }
  return new StreamError('UNAVAILABLE', `${broker}: ${message}: ${hint}`, { cause: error })
}

/** Its errors wrap each other: one of several, or a cause. */
function innermost(error: unknown): unknown {
  if (error instanceof StreamError) return error
  const { errors, cause } = error as PlatformaticError
  const inner = errors?.[0] ?? cause
  return inner === undefined ? error : innermost(inner)
}

const isRefusal = (error: unknown): boolean => (error as { code?: unknown }).code === 'PLT_KFK_AUTHENTICATION'
