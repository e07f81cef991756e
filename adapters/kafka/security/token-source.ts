import { StreamError } from '../../../src/driver.ts'

export interface Token {
  readonly value: string
  /** Milliseconds since the epoch; undefined where it does not say. */
  readonly expiresAt: number | undefined
}

/** Tokens are renewed so long before their end, or in the last fifth of short-lived ones. */
const AHEAD_MS = 60_000

/** Tokens for SASL/OAUTHBEARER: one is asked for at a time and used until it is near its end. One that has expired is refused here. */
export class TokenSource {
  readonly #fetch: () => Promise<Token>
  #token: { readonly value: string; readonly until: number } | undefined
  #pending: Promise<string> | undefined

  constructor(fetch: () => Promise<Token>) {
    this.#fetch = fetch
  }

  /** Rejects PERMISSION_DENIED. */
  readonly get = (): Promise<string> => {
    if (this.#token !== undefined && Date.now() < this.#token.until) return Promise.resolve(this.#token.value)
    this.#pending ??= this.#renew().finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  async #renew(): Promise<string> {
    let token: Token
    try {
      token = await this.#fetch()
    } catch (cause) {
      if (cause instanceof StreamError) throw cause
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new StreamError(
        'PERMISSION_DENIED',
        `no token for the broker (${why}): look at the credentials`,
        {
          cause,
        },
      )
    }
    const { value, expiresAt } = token
    const now = Date.now()
    if (expiresAt !== undefined && expiresAt <= now) {
      throw new StreamError(
        'PERMISSION_DENIED',
        `the token or the credentials behind it expired at ${new Date(expiresAt).toISOString()}: renew them`,
      )
    }
    if (expiresAt === undefined) return value
    this.#token = { value, until: expiresAt - Math.min(AHEAD_MS, (expiresAt - now) / 5) }
    return value
  }
}

/** What a JSON Web Token says of its end; undefined for other tokens. */
export function expiryOf(token: string): number | undefined {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return typeof exp === 'number' ? exp * 1000 : undefined
  } catch {
    return undefined
  }
}
