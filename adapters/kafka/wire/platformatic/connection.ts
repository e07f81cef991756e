import type { Callback, Connection, ResponseParser, Writer } from '@platformatic/kafka'
import { StreamError } from '../../../../src/driver.ts'
import { BrokerLink } from '../broker-link.ts'
import { BrokerSocket, type SocketEvents } from '../broker-socket.ts'
import type { BrokerConnection, Connector } from '../connector.ts'
import { frameRequest } from '../frame.ts'
import type { Handshake } from '../handshake.ts'
import type { ConnectionSettings, SaslSettings } from '../settings.ts'
import type { Api } from '../wire.ts'
import { fromPlatformatic } from './errors.ts'
import { loadPlatformatic, type Platformatic } from './load.ts'

/** What brokers' logs and metrics call this client (KIP-511). */
const SOFTWARE = ['millrace', 'direct'] as const
const MECHANISMS = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
  oauthbearer: 'OAUTHBEARER',
} as const

/** Connections whose API versions and SASL are those of @platformatic/kafka. */
export class PlatformaticConnector implements Connector {
  readonly #library: Platformatic
  readonly #settings: ConnectionSettings

  private constructor(library: Platformatic, settings: ConnectionSettings) {
    this.#library = library
    this.#settings = settings
  }

  /** UNSUPPORTED where the package is not installed. */
  static async open(settings: ConnectionSettings): Promise<PlatformaticConnector> {
    return new PlatformaticConnector(await loadPlatformatic(), settings)
  }

  connect(host: string, port: number): BrokerConnection {
    return new BrokerLink(
      this.#settings,
      host,
      port,
      (...to) => new PlatformaticHandshake(this.#library, this.#settings, ...to),
    )
  }
}

/** Lends the library's requests a socket: they need no more of its Connection than `send`. */
class PlatformaticHandshake implements Handshake {
  socket: BrokerSocket | undefined
  readonly #library: Platformatic
  readonly #settings: ConnectionSettings
  readonly #host: string
  readonly #port: number
  readonly #events: SocketEvents
  readonly #versions = new Map<number, { minVersion: number; maxVersion: number }>()

  constructor(
    library: Platformatic,
    settings: ConnectionSettings,
    host: string,
    port: number,
    events: SocketEvents,
  ) {
    this.#library = library
    this.#settings = settings
    this.#host = host
    this.#port = port
    this.#events = events
  }

  async begin(): Promise<number> {
    const connected = Promise.withResolvers<void>()
    this.socket = new BrokerSocket(
      this.#host,
      this.#port,
      this.#settings.tls,
      {
        connected: connected.resolve,
        gone: (error) => {
          this.#events.gone(error)
          connected.reject(error ?? new Error('the connection ended'))
        },
      },
      true,
    )
    await connected.promise
    const { apiKeys } = await this.#library.apiVersionsV3.api.async(this.#lent, ...SOFTWARE)
    for (const { apiKey, minVersion, maxVersion } of apiKeys) {
      this.#versions.set(apiKey, { minVersion, maxVersion })
    }
    return this.renew()
  }

  async renew(): Promise<number> {
    const { sasl } = this.#settings
    if (sasl === undefined) return 0
    // One that cannot be had is told before the broker waits for it.
    const token = sasl.mechanism === 'oauthbearer' ? await sasl.token() : ''
    await this.#library.saslHandshakeV1.api.async(this.#lent, MECHANISMS[sasl.mechanism])
    const { authBytes, sessionLifetimeMs } = await this.#authenticate(sasl, token)
    if (sasl.mechanism === 'oauthbearer' && authBytes !== null && authBytes.length > 0) {
      // RFC 7628: a bad token is answered not with an error code but with a JSON object. The library takes most of them for success.
      throw new StreamError(
        'PERMISSION_DENIED',
        `${this.#host}:${this.#port} refused the token (${authBytes}): get a new one, or look at its audience, scope and time`,
      )
    }
    return Number(sessionLifetimeMs)
  }

  versions(apiKey: number) {
    return this.#versions.get(apiKey)
  }

  classify(error: unknown, hint: string): StreamError {
    return fromPlatformatic(error, `${this.#host}:${this.#port}`, hint)
  }

  end(): void {}

  #authenticate(sasl: SaslSettings, token: string) {
    const { saslAuthenticateV2, saslOAuthBearer, saslPlain, saslScramSha } = this.#library
    const { api } = saslAuthenticateV2
    switch (sasl.mechanism) {
      case 'oauthbearer':
        return saslOAuthBearer.authenticate(api, this.#lent, token, {})
      case 'plain':
        return saslPlain.authenticate(api, this.#lent, sasl.username, sasl.password)
      case 'scram-sha-256':
        return saslScramSha.authenticate(api, this.#lent, 'SHA-256', sasl.username, sasl.password)
      case 'scram-sha-512':
        return saslScramSha.authenticate(api, this.#lent, 'SHA-512', sasl.username, sasl.password)
    }
  }

  /** What the library's requests take for its Connection. */
  readonly #lent = { send: this.#send.bind(this) } as unknown as Connection

  #send<Response>(
    key: number,
    version: number,
    createPayload: () => Writer,
    parse: ResponseParser<Response>,
    flexibleRequest: boolean,
    flexibleAnswer: boolean,
    callback: Callback<Response>,
  ): void {
    const api: Api<Buffer, never> = {
      name: `request ${key}`,
      key,
      version,
      flexible: flexibleRequest,
      encode: (to, payload) => to.raw(payload),
      decode: () => undefined as never,
    }
    const socket = this.socket!
    const id = socket.expect({
      resolve: (answer) => {
        try {
          const reader = this.#library.Reader.from(answer)
          if (flexibleAnswer) reader.readTaggedFields()
          callback(null, parse(id, key, version, reader) as Response)
        } catch (error) {
          callback(error as Error)
        }
      },
      reject: callback,
    })
    socket.write(frameRequest(api, id, this.#settings.clientId, createPayload().buffer))
  }
}
