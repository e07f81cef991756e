import { StreamError } from '../../../../src/driver.ts'

interface Exchange {
  readonly host: string
  readonly port: number
  saslAuthenticate(exchange: {
    request: { encode(): Promise<Buffer> }
    response: { decode(bytes: Buffer): Promise<Buffer>; parse(bytes: Buffer): Promise<string> }
  }): Promise<string>
}

/**
 * SASL/OAUTHBEARER (RFC 7628) for kafkajs, whose own takes a refusal for success: the broker answers a bad token not with
 * an error code but with a JSON object, and ends the connection at the next request.
 */
export function oauthBearer(token: () => Promise<string>) {
  return ({ host, port, saslAuthenticate }: Exchange) => ({
    async authenticate(): Promise<void> {
      const value = await token()
      const message = Buffer.from(`n,,\u0001auth=Bearer ${value}\u0001\u0001`)
      const answer = await saslAuthenticate({
        request: {
          async encode() {
            const bytes = Buffer.allocUnsafe(message.length + 4)
            bytes.writeInt32BE(message.length)
            bytes.set(message, 4)
            return bytes
          },
        },
        response: { decode: async (bytes) => bytes.subarray(4), parse: async (bytes) => bytes.toString() },
      })
      if (answer === '' || answer === 'null') return
      throw new StreamError(
        'PERMISSION_DENIED',
        `${host}:${port} refused the token (${answer}): get a new one, or look at its audience, scope and time`,
      )
    },
  })
}
