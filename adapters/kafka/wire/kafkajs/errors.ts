import { StreamError } from '../../../../src/driver.ts'
import { classify } from '../../classify.ts'
import { errorOf } from '../error-codes.ts'

interface KafkajsError extends Error {
  readonly code?: unknown
  readonly retriable?: boolean
}

/** An error of kafkajs on its way to `broker` (host:port) as a StreamError. */
export function fromKafkajs(error: unknown, broker: string, hint: string): StreamError {
  if (error instanceof StreamError) return error
  const { name, message, code } = error as KafkajsError
  switch (name) {
    case 'KafkaJSSASLAuthenticationError':
      return new StreamError(
        'PERMISSION_DENIED',
        `${broker} refused the credentials (${message}): look at user name, password or token, and at the mechanism`,
        { cause: error },
      )
    case 'KafkaJSProtocolError':
      return errorOf(Number(code), `connecting to ${broker}`)
    case 'KafkaJSConnectionClosedError':
      return new StreamError('UNAVAILABLE', `${broker} ended the connection: ${hint}`, { cause: error })
    case 'KafkaJSServerDoesNotSupportApiKey':
    case 'KafkaJSNotImplemented':
      return new StreamError('UNSUPPORTED', `${broker}: ${message}: use Kafka 2.8 or newer`, { cause: error })
    case 'KafkaJSLockTimeout':
    case 'KafkaJSRequestTimeoutError':
      return new StreamError('TIMEOUT', `${broker}: ${message}: try again`, { cause: error })
    case 'KafkaJSConnectionError':
      return message === 'Connection timeout'
        ? new StreamError('TIMEOUT', `${broker}: ${message}: look at host, port and firewall`, {
            cause: error,
          })
        : new StreamError('UNAVAILABLE', `${broker}: ${message}: ${hint}`, { cause: error })
    default:
      return classify(error)
  }
}
