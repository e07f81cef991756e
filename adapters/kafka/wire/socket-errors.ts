import { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'

/** An error of a socket to `broker` (host:port) as a StreamError. `hint`: what may be wrong where a broker hangs up. */
export function fromSocket(error: Error, broker: string, hint: string): StreamError {
  if (error instanceof StreamError) return error
  const { code } = error as NodeJS.ErrnoException
  if (typeof code !== 'string') {
    return new StreamError('UNAVAILABLE', `${broker}: ${error.message}: ${hint}`, { cause: error })
  }
  const known = classify(error)
  const text = known.message.startsWith(broker) ? known.message : `${broker}: ${known.message}`
  if (known.code !== 'INTERNAL') return new StreamError(known.code, text, { cause: error })
  // Node has many codes for what may go wrong with TLS; none of them is a reason to think that the program is at fault.
  const streamCode = /CERT|ISSUER|SIGNATURE/.test(code) ? 'PERMISSION_DENIED' : 'UNAVAILABLE'
  return new StreamError(streamCode, `${broker}: ${error.message} (${code}): ${hint}`, { cause: error })
}
