/** Whose hand-shake connections are made with: that of kafkajs, or of @platformatic/kafka. */
export const DRIVERS = ['kafkajs', 'direct'] as const
export type DriverName = (typeof DRIVERS)[number]

/** What a client library needs to reach a cluster; made from an address by `security/` and `address.ts`. */
export interface ConnectionSettings {
  readonly seeds: readonly { readonly host: string; readonly port: number }[]
  readonly clientId: string
  /** Undefined: no TLS. */
  readonly tls: TlsSettings | undefined
  /** Undefined: no authentication, or that of the TLS certificate. */
  readonly sasl: SaslSettings | undefined
  /** Milliseconds for a connection, TLS and authentication included. */
  readonly connectTimeoutMs: number
}

/** Node's own names. */
export interface TlsSettings {
  readonly ca?: string | Buffer | readonly (string | Buffer)[]
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly passphrase?: string
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

export type SaslSettings =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      readonly password: string
    }
  | {
      readonly mechanism: 'oauthbearer'
      /** A token that is valid now; asked for at each authentication. */
      readonly token: () => Promise<string>
    }
