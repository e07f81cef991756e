import { StreamError, type StreamErrorCode } from '../../../src/driver.ts'
import type { Refusal } from './broker-api.ts'

/** A StreamError as plain data. */
export function toRefusal(error: StreamError): Refusal {
  const { code, message, retryable, topic, partition, position } = error
  return {
    code,
    message,
    retryable,
    ...(topic === undefined ? {} : { topic }),
    ...(partition === undefined ? {} : { partition }),
    ...(position === undefined ? {} : { position }),
  }
}

/** And back. */
export function fromRefusal(refusal: Refusal): StreamError {
  const { code, message, ...options } = refusal
  return new StreamError(code as StreamErrorCode, message, options)
}
