import { StreamError, type StreamErrorCode } from '../../src/driver.ts'

interface Verdict {
  readonly code: StreamErrorCode
  readonly remedy: string
  /** Default: by the code. */
  readonly retryable?: boolean
}

const TRY_LATER = 'it passes, try again'
const SLOW_DOWN = 'ask less often, or try again later'
const NEW_CREDENTIALS =
  'renew them (aws sso login, or a new session), or look at AWS_ACCESS_KEY_ID, profile= and role='
const OWN_CERTIFICATE = 'give its certificate authority by NODE_EXTRA_CA_CERTS'
const NO_TLS = 'the port does not speak TLS: write endpoint=http://…, or use the TLS port'
const NOT_HTTP = 'what listens there does not speak HTTP/1.1: look at the port of endpoint='

/** By the name of an error of AWS, or the code of one of Node. */
const VERDICTS: Readonly<Record<string, Verdict>> = {
  ...each(['ResourceNotFoundException', 'ResourceNotFound', 'TableNotFoundException'], {
    code: 'NOT_FOUND',
    remedy: 'create it, or look at name, region and account',
  }),
  ...each(['ResourceInUseException', 'ResourceInUse'], {
    code: 'UNAVAILABLE',
    remedy: 'it is being changed or deleted, try again when that is done',
  }),
  LimitExceededException: { code: 'THROTTLED', remedy: `${SLOW_DOWN}, or raise the account's limit` },
  ProvisionedThroughputExceededException: {
    code: 'THROTTLED',
    remedy: 'send or read less, or add partitions',
  },
  KMSThrottlingException: { code: 'THROTTLED', remedy: "slow down, or raise the account's limit of KMS" },
  ...each(
    [
      'ThrottlingException',
      'Throttling',
      'ThrottledException',
      'RequestThrottled',
      'RequestThrottledException',
      'RequestLimitExceeded',
      'TooManyRequestsException',
      'SlowDown',
    ],
    { code: 'THROTTLED', remedy: SLOW_DOWN },
  ),
  ...each(['InternalFailureException', 'InternalFailure', 'InternalServerError', 'InternalServerException'], {
    code: 'UNAVAILABLE',
    remedy: TRY_LATER,
  }),
  ...each(['ServiceUnavailable', 'ServiceUnavailableException'], { code: 'UNAVAILABLE', remedy: TRY_LATER }),
  ...each(['RequestTimeout', 'RequestTimeoutException', 'TimeoutError'], {
    code: 'TIMEOUT',
    remedy: 'try again, and look at endpoint, port and network',
  }),
  ...each(['AccessDeniedException', 'AccessDenied'], {
    code: 'PERMISSION_DENIED',
    remedy: 'allow it in the policy of this user or role',
  }),
  ...each(
    [
      'UnrecognizedClientException',
      'InvalidClientTokenId',
      'InvalidAccessKeyId',
      'IncompleteSignature',
      'IncompleteSignatureException',
      'MissingAuthenticationToken',
      'MissingAuthenticationTokenException',
      'NotAuthorized',
    ],
    { code: 'PERMISSION_DENIED', remedy: `the credentials are not valid here: ${NEW_CREDENTIALS}` },
  ),
  ...each(['InvalidSignatureException', 'SignatureDoesNotMatch', 'AuthFailure'], {
    code: 'PERMISSION_DENIED',
    remedy: `the secret key is wrong, or this machine's clock is off by minutes: ${NEW_CREDENTIALS}`,
  }),
  ...each(['ExpiredTokenException', 'ExpiredToken', 'RequestExpired'], {
    code: 'PERMISSION_DENIED',
    remedy: `the credentials have expired: ${NEW_CREDENTIALS}`,
  }),
  OptInRequired: { code: 'PERMISSION_DENIED', remedy: 'subscribe this account to the service' },
  ...each(['CredentialsProviderError', 'TokenProviderError'], {
    code: 'PERMISSION_DENIED',
    remedy:
      "no credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, log in (aws sso login), or give profile=, role= or connect's option credentials",
  }),
  KMSAccessDeniedException: { code: 'PERMISSION_DENIED', remedy: "allow the use of the stream's KMS key" },
  KMSDisabledException: { code: 'PERMISSION_DENIED', remedy: "enable the stream's KMS key" },
  KMSInvalidStateException: {
    code: 'PERMISSION_DENIED',
    remedy: "look at the state of the stream's KMS key",
  },
  KMSNotFoundException: {
    code: 'PERMISSION_DENIED',
    remedy: "the stream's KMS key is gone: give it another one",
  },
  KMSOptInRequired: { code: 'PERMISSION_DENIED', remedy: 'subscribe this account to KMS' },
  ...each(['InvalidArgumentException', 'ValidationException', 'ValidationError', 'SerializationException'], {
    code: 'INVALID_ARGUMENT',
    remedy: 'look at what was asked for',
  }),
  ...each(['UnknownOperationException', 'UnknownOperation', 'InvalidAction'], {
    code: 'UNSUPPORTED',
    remedy: 'this endpoint does not know the operation, use another one',
  }),
  ExpiredIteratorException: {
    code: 'UNAVAILABLE',
    remedy: 'ask for another iterator',
  },
  ExpiredNextTokenException: { code: 'UNAVAILABLE', remedy: 'list again from the start' },
  ConditionalCheckFailedException: { code: 'FENCED', remedy: 'somebody else was first, read it again' },
  ECONNREFUSED: {
    code: 'UNAVAILABLE',
    remedy: 'nothing listens there: start it, or look at host and port of endpoint=',
  },
  ECONNRESET: {
    code: 'UNAVAILABLE',
    remedy: 'the other side ended the connection: try again, and look whether the port wants https',
  },
  EPIPE: { code: 'UNAVAILABLE', remedy: 'the other side ended the connection: try again' },
  ENOTFOUND: { code: 'UNAVAILABLE', remedy: 'no such host: look at the name of the region, or at endpoint=' },
  EAI_AGAIN: { code: 'UNAVAILABLE', remedy: 'the name server does not answer: try again' },
  EHOSTUNREACH: { code: 'UNAVAILABLE', remedy: 'the host cannot be reached: look at network and endpoint=' },
  ENETUNREACH: { code: 'UNAVAILABLE', remedy: 'the network cannot be reached: look at it' },
  ETIMEDOUT: { code: 'UNAVAILABLE', remedy: 'the host does not answer: look at host, port and firewall' },
  EMFILE: { code: 'UNAVAILABLE', remedy: 'too many open files: raise the limit (ulimit -n)' },
  EPROTO: { code: 'UNAVAILABLE', remedy: NO_TLS },
  ERR_SSL_WRONG_VERSION_NUMBER: { code: 'UNAVAILABLE', remedy: NO_TLS },
  ERR_SSL_PACKET_LENGTH_TOO_LONG: { code: 'UNAVAILABLE', remedy: NO_TLS },
  ...each(
    [
      'ERR_HTTP2_ERROR',
      'ERR_HTTP2_STREAM_ERROR',
      'ERR_HTTP2_SESSION_ERROR',
      'ERR_HTTP2_STREAM_CANCEL',
      'ERR_HTTP2_GOAWAY_SESSION',
    ],
    {
      code: 'UNAVAILABLE',
      remedy:
        'the HTTP/2 connection ended: try again, and look whether the endpoint speaks HTTP/2 (plain emulators want http://)',
    },
  ),
  ...each(['HPE_INVALID_CONSTANT', 'HPE_INVALID_VERSION', 'HPE_INVALID_HEADER_TOKEN', 'HPE_CR_EXPECTED'], {
    code: 'UNAVAILABLE',
    remedy: NOT_HTTP,
    retryable: false,
  }),
  ...each(
    [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    ],
    {
      code: 'PERMISSION_DENIED',
      remedy: `nobody this machine trusts signed the endpoint's certificate: ${OWN_CERTIFICATE}`,
    },
  ),
  CERT_HAS_EXPIRED: { code: 'PERMISSION_DENIED', remedy: "renew the endpoint's certificate" },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    code: 'PERMISSION_DENIED',
    remedy: 'the certificate is for another host: use the name it was made for',
  },
}

interface AwsError {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** Any error of this adapter as a StreamError. What is not known is INTERNAL and is not retried. */
export function classify(error: unknown): StreamError {
  if (error instanceof StreamError) return error
  const { name, code, message, $metadata } = (
    typeof error === 'object' && error !== null ? error : {}
  ) as AwsError
  const text = firstLine(message, error)
  const verdict = known(code) ?? known(name) ?? byMessage(text) ?? byStatus($metadata?.httpStatusCode)
  if (verdict === undefined) {
    return new StreamError('INTERNAL', `${text}: this is not expected, please report it with the cause`, {
      cause: error,
    })
  }
  const what = typeof name === 'string' && /Exception$|Failure$/.test(name) ? `${name}: ${text}` : text
  return new StreamError(verdict.code, `${what.replace(/[.:]$/, '')}: ${verdict.remedy}`, {
    cause: error,
    ...(verdict.retryable === undefined ? {} : { retryable: verdict.retryable }),
  })
}

const known = (name: unknown): Verdict | undefined =>
  typeof name === 'string' && Object.hasOwn(VERDICTS, name) ? VERDICTS[name] : undefined

/** What the SDK says without a name or a code. */
function byMessage(text: string): Verdict | undefined {
  if (text.startsWith('Region is missing')) {
    return { code: 'INVALID_ARGUMENT', remedy: 'write kinesis://eu-west-1, or set AWS_REGION' }
  }
  if (/^http2? ?request did not get a response|^Unexpected error: http2/.test(text)) {
    return { code: 'UNAVAILABLE', remedy: TRY_LATER }
  }
  if (/resolved credential object is not valid/i.test(text)) {
    return { code: 'INVALID_ARGUMENT', remedy: 'give accessKeyId and secretAccessKey' }
  }
  return undefined
}

function byStatus(status: number | undefined): Verdict | undefined {
  if (status === undefined) return undefined
  if (status === 429) return { code: 'THROTTLED', remedy: SLOW_DOWN }
  if (status >= 500) return { code: 'UNAVAILABLE', remedy: TRY_LATER }
  if (status === 401 || status === 403) return { code: 'PERMISSION_DENIED', remedy: NEW_CREDENTIALS }
  if (status === 404 || status < 400) {
    return {
      code: 'UNAVAILABLE',
      remedy: `HTTP ${status}, but not from Kinesis: look at host and port of endpoint=`,
      retryable: false,
    }
  }
  return undefined
}

function firstLine(message: unknown, error: unknown): string {
  const text = typeof message === 'string' && message !== '' ? message : String(error)
  return text.split('\n', 1)[0]!.trim()
}

function each(names: readonly string[], verdict: Verdict): Record<string, Verdict> {
  return Object.fromEntries(names.map((name) => [name, verdict]))
}
