import { StreamError } from '../../../../src/driver.ts'
import { BrokerLink } from '../broker-link.ts'
import { BrokerSocket, type SocketEvents } from '../broker-socket.ts'
import type { BrokerConnection, Connector } from '../connector.ts'
import { errorOf, KafkaError } from '../error-codes.ts'
import { frameRequest, readAnswer } from '../frame.ts'
import type { Handshake } from '../handshake.ts'
import { apiVersions } from '../protocol/api-versions.ts'
import type { ConnectionSettings } from '../settings.ts'
import { fromPlatformatic } from './errors.ts'
import { loadPlatformatic } from './load.ts'
import { Sasl } from './sasl.ts'

/** Connections that are our own but for SASL, which is that of @platformatic/kafka. */
export class PlatformaticConnector implements Connector {
  readonly #settings: ConnectionSettings
  readonly #sasl: Sasl | undefined

  private constructor(settings: ConnectionSettings, sasl: Sasl | undefined) {
    this.#settings = settings
    this.#sasl = sasl
  }

  /** Loads the package where it is needed: with SASL. UNSUPPORTED where it is not installed. */
  static async open(settings: ConnectionSettings): Promise<PlatformaticConnector> {
    const { sasl, clientId } = settings
    if (sasl === undefined) return new PlatformaticConnector(settings, undefined)
    return new PlatformaticConnector(settings, new Sasl(await loadPlatformatic(), sasl, clientId))
  }

  connect(host: string, port: number): BrokerConnection {
    return new BrokerLink(
      this.#settings,
      host,
      port,
      (...to) => new DirectHandshake(this.#settings, this.#sasl, ...to),
    )
  }
}

class DirectHandshake implements Handshake {
  socket: BrokerSocket | undefined
  readonly #settings: ConnectionSettings
  readonly #sasl: Sasl | undefined
  readonly #host: string
  readonly #port: number
  readonly #events: SocketEvents
  readonly #versions = new Map<number, { minVersion: number; maxVersion: number }>()

  constructor(
    settings: ConnectionSettings,
    sasl: Sasl | undefined,
    host: string,
    port: number,
    events: SocketEvents,
  ) {
    this.#settings = settings
    this.#sasl = sasl
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
    await this.#askVersions(this.socket)
    return this.renew()
  }

  async renew(): Promise<number> {
    return this.#sasl?.authenticate(this.socket!, this.#name) ?? 0
  }

  versions(apiKey: number) {
    return this.#versions.get(apiKey)
  }

  classify(error: unknown, hint: string): StreamError {
    return error instanceof StreamError ? error : fromPlatformatic(error, this.#name, hint)
  }

  end(): void {}

  get #name(): string {
    return `${this.#host}:${this.#port}`
  }

  async #askVersions(socket: BrokerSocket): Promise<void> {
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const id = socket.expect({ resolve, reject })
      socket.write(frameRequest(apiVersions, id, this.#settings.clientId, {}))
    })
    const { errorCode, ranges } = readAnswer(apiVersions, answer, {})
    if (errorCode !== KafkaError.NONE) throw errorOf(errorCode, `connecting to ${this.#name}`)
    for (const { apiKey, minVersion, maxVersion } of ranges) {
      this.#versions.set(apiKey, { minVersion, maxVersion })
    }
  }
}
