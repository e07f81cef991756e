import * as sdk from '@aws-sdk/client-kinesis'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classify } from '../../../adapters/kinesis/classify.ts'
import { StreamError } from '../../../src/driver.ts'

describe('errors of AWS', () => {
  test.each([
    ['ResourceNotFoundException', 'NOT_FOUND', false],
    ['LimitExceededException', 'THROTTLED', true],
    ['ProvisionedThroughputExceededException', 'THROTTLED', true],
    ['KMSThrottlingException', 'THROTTLED', true],
    ['KMSAccessDeniedException', 'PERMISSION_DENIED', false],
    ['AccessDeniedException', 'PERMISSION_DENIED', false],
    ['UnrecognizedClientException', 'PERMISSION_DENIED', false],
    ['ExpiredTokenException', 'PERMISSION_DENIED', false],
    ['InvalidSignatureException', 'PERMISSION_DENIED', false],
    ['CredentialsProviderError', 'PERMISSION_DENIED', false],
    ['InvalidArgumentException', 'INVALID_ARGUMENT', false],
    ['InternalFailureException', 'UNAVAILABLE', true],
    ['ServiceUnavailableException', 'UNAVAILABLE', true],
    ['TimeoutError', 'TIMEOUT', true],
  ])('%s is %s', (name, code, retryable) => {
    const error = classify(Object.assign(new Error('it says so'), { name }))
    expect(error).toMatchObject({ code, retryable })
    expect(error.message).toMatch(/it says so: .+/)
    expect(error.cause).toMatchObject({ name })
  })

  test('every exception of the SDK is known', () => {
    const names = Object.keys(sdk).filter((name) => /^(KMS\w+|\w+Exception)$/.test(name))
    expect(names.length).toBeGreaterThan(15)
    const unknown = names
      .filter((name) => !['DryRunOperationException', 'KinesisServiceException'].includes(name))
      .filter((name) => classify(Object.assign(new Error('x'), { name })).code === 'INTERNAL')
    expect(unknown).toEqual([])
  })

  test.each([
    [{ $metadata: { httpStatusCode: 503 } }, 'UNAVAILABLE', true],
    [{ $metadata: { httpStatusCode: 429 } }, 'THROTTLED', true],
    [{ $metadata: { httpStatusCode: 404 } }, 'UNAVAILABLE', false],
    [{ code: 'ECONNREFUSED' }, 'UNAVAILABLE', true],
    [{ code: 'ENOTFOUND' }, 'UNAVAILABLE', true],
    [{ code: 'ERR_HTTP2_ERROR' }, 'UNAVAILABLE', true],
    [{ code: 'HPE_INVALID_CONSTANT' }, 'UNAVAILABLE', false],
    [{ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'PERMISSION_DENIED', false],
  ])('what has no name goes by %o', (more, code, retryable) => {
    expect(classify(Object.assign(new Error('x'), more))).toMatchObject({ code, retryable })
  })

  test('a region that is missing has its remedy', () => {
    expect(classify(new Error('Region is missing'))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('anything else is INTERNAL and not retried; nothing makes it throw', () => {
    fc.assert(
      fc.property(fc.anything(), (thrown) => {
        const error = classify(thrown)
        expect(error).toBeInstanceOf(StreamError)
        expect(error.message).not.toBe('')
      }),
    )
    expect(classify(new TypeError('x'))).toMatchObject({ code: 'INTERNAL', retryable: false })
  })
})
