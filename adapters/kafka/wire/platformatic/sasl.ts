import type { Callback, Connection, ResponseParser, Writer } from '@platformatic/kafka'
import { StreamError } from '../../../../src/driver.ts'
import type { BrokerSocket } from '../broker-socket.ts'
import { frameRequest } from '../frame.ts'
import type { SaslSettings } from '../settings.ts'
import type { Api } from '../wire.ts'
import type { Platformatic } from './load.ts'

const MECHANISMS = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
  oauthbearer: 'OAUTHBEARER',
} as const

/** SASL by @platformatic/kafka over sockets that are ours: its exchanges need no more of its Connection than `send`. */
export class Sasl {
  readonly #library: Platformatic
  readonly #settings: SaslSettings
  readonly #clientId: string

  constructor(library: Platformatic, settings: SaslSettings, clientId: string) {
    this.#library = library
    this.#settings = settings
    this.#clientId = clientId
  }

  /**
   * Authenticates, the first time or again; nothing else may be sent meanwhile. Resolves with the session's life in milliseconds;
   * 0: without end. Rejects with the library's errors, or PERMISSION_DENIED for a token that was refused.
   */
  async authenticate(socket: BrokerSocket, broker: string): Promise<number> {
    const { saslHandshakeV1 } = this.#library
    const { mechanism } = this.#settings
    const connection = this.#lend(socket)
    // A token that cannot be had is told before the broker waits for it.
    const token = this.#settings.mechanism === 'oauthbearer' ? await this.#settings.token() : ''
    await saslHandshakeV1.api.async(connection, MECHANISMS[mechanism])
    const { authBytes, sessionLifetimeMs } = await this.#exchange(connection, token)
    if (mechanism === 'oauthbearer' && authBytes !== null && authBytes.length > 0) {
      // RFC 7628: a bad token is answered not with an error code but with a JSON object. The library takes most of them for success.
      throw new StreamError(
        'PERMISSION_DENIED',
        `${broker} refused the token (${authBytes}): get a new one, or look at its audience, scope and time`,
      )
    }
    return Number(sessionLifetimeMs)
  }

  #exchange(connection: Connection, token: string) {
    const { saslAuthenticateV2, saslOAuthBearer, saslPlain, saslScramSha } = this.#library
    const { api } = saslAuthenticateV2
    const settings = this.#settings
    switch (settings.mechanism) {
      case 'oauthbearer':
        return saslOAuthBearer.authenticate(api, connection, token, {})
      case 'plain':
        return saslPlain.authenticate(api, connection, settings.username, settings.password)
      case 'scram-sha-256':
        return saslScramSha.authenticate(api, connection, 'SHA-256', settings.username, settings.password)
      case 'scram-sha-512':
        return saslScramSha.authenticate(api, connection, 'SHA-512', settings.username, settings.password)
    }
  }

  /** The socket as what the library's requests take for its Connection. */
  #lend(socket: BrokerSocket): Connection {
    const send = <Response>(
      key: number,
      version: number,
      createPayload: () => Writer,
      parse: ResponseParser<Response>,
      flexibleRequest: boolean,
      flexibleAnswer: boolean,
      callback: Callback<Response>,
    ): void => {
      const api: Api<Buffer, never> = {
        name: `request ${key}`,
        key,
        version,
        flexible: flexibleRequest,
        encode: (to, payload) => to.raw(payload),
        decode: () => undefined as never,
      }
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
      socket.write(frameRequest(api, id, this.#clientId, createPayload().buffer))
    }
    return { send } as unknown as Connection
  }
}
