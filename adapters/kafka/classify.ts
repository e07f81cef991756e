import { StreamError, type StreamErrorCode } from '../../src/driver.ts'

const REASONS: Readonly<Record<string, readonly [StreamErrorCode, string]>> = {
  ECONNREFUSED: ['UNAVAILABLE', 'no broker listens there: start it, or look at host and port'],
  ECONNRESET: [
    'UNAVAILABLE',
    'the broker ended the connection: try again, and look whether the port wants TLS or SASL',
  ],
  EPIPE: ['UNAVAILABLE', 'the broker ended the connection: try again'],
  ENOTFOUND: ['UNAVAILABLE', 'no such host: look at its name'],
  EAI_AGAIN: ['UNAVAILABLE', 'the name server does not answer: try again'],
  EHOSTUNREACH: ['UNAVAILABLE', 'the host cannot be reached: look at network and address'],
  ENETUNREACH: ['UNAVAILABLE', 'the network cannot be reached: look at network and address'],
  ETIMEDOUT: ['UNAVAILABLE', 'the host does not answer: look at host, port and firewall'],
  EMFILE: ['UNAVAILABLE', 'too many open files: raise the limit (ulimit -n)'],
  EPROTO: ['UNAVAILABLE', 'the port does not speak TLS: leave tls out, or use the TLS port'],
  ERR_SSL_WRONG_VERSION_NUMBER: [
    'UNAVAILABLE',
    'the port does not speak TLS: leave tls out, or use the TLS port',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['PERMISSION_DENIED', 'give the certificate that signed it: ca=FILE'],
  SELF_SIGNED_CERT_IN_CHAIN: ['PERMISSION_DENIED', 'give the certificate that signed it: ca=FILE'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['PERMISSION_DENIED', 'give the certificate that signed it: ca=FILE'],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['PERMISSION_DENIED', 'give the certificate that signed it: ca=FILE'],
  CERT_HAS_EXPIRED: ['PERMISSION_DENIED', "renew the broker's certificate"],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'PERMISSION_DENIED',
    'the certificate is for another host: use the name it was made for, or add servername=NAME',
  ],
}

/** Any error of this adapter as a StreamError. What is not known is INTERNAL and is not retried. */
export function classify(error: unknown): StreamError {
  if (error instanceof StreamError) return error
  const { code, message = String(error) } = (error ?? {}) as NodeJS.ErrnoException
  const known = typeof code === 'string' ? REASONS[code] : undefined
  if (known !== undefined) return new StreamError(known[0], `${message}: ${known[1]}`, { cause: error })
  return new StreamError('INTERNAL', `${message}: this is not expected, please report it with the cause`, {
    cause: error,
  })
}
