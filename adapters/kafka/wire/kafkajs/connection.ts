import net from 'node:net'
import tls from 'node:tls'
import { StreamError } from '../../../../src/driver.ts'
import type { BrokerConnection, Connector } from '../connector.ts'
import { frameRequest, readAnswer } from '../frame.ts'
import type { ConnectionSettings, SaslSettings } from '../settings.ts'
import type { Api } from '../wire.ts'
import { AnswerQueue } from './answer-queue.ts'
import { fromKafkajs } from './errors.ts'
import { type Kafkajs, type KafkajsBroker, type KafkajsConnection, loadKafkajs } from './internals.ts'
import { oauthBearer } from './oauth-bearer.ts'

const KEEP_ALIVE_MS = 30_000
/** Sessions are renewed so long before their end, or in the last fifth of short ones. */
const RENEW_AHEAD_MS = 10_000

/** Connections by kafkajs: its socket handling, TLS, SASL, API versions and re-authentication, with requests of our own. */
export class KafkajsConnector implements Connector {
  readonly #kafkajs: Kafkajs
  readonly #settings: ConnectionSettings

  constructor(settings: ConnectionSettings) {
    this.#kafkajs = loadKafkajs()
    this.#settings = settings
  }

  connect(host: string, port: number): BrokerConnection {
    return new KafkajsLink(this.#kafkajs, this.#settings, host, port)
  }
}

class KafkajsLink implements BrokerConnection {
  readonly host: string
  readonly port: number
  readonly #name: string
  readonly #settings: ConnectionSettings
  readonly #queue = new AnswerQueue()
  readonly #broker: KafkajsBroker
  readonly #connection: KafkajsConnection
  #socket: net.Socket | undefined
  #opening: Promise<void> | undefined
  #open = false
  #answered = false
  #lost: StreamError | Error | undefined

  constructor(kafkajs: Kafkajs, settings: ConnectionSettings, host: string, port: number) {
    this.host = host
    this.port = port
    this.#name = `${host}:${port}`
    this.#settings = settings
    const { clientId, tls, sasl, connectTimeoutMs } = settings
    const { logger } = kafkajs
    const connectionPool = new kafkajs.ConnectionPool({
      host,
      port,
      clientId,
      logger,
      ssl: tls ?? null,
      sasl: sasl === undefined ? null : toKafkajsSasl(sasl),
      socketFactory: (options) => this.#createSocket(options),
      connectionTimeout: connectTimeoutMs,
      requestTimeout: connectTimeoutMs,
      enforceRequestTimeout: false,
    })
    this.#connection = connectionPool.pool[0]!
    this.#connection.requestQueue = this.#queue
    this.#broker = new kafkajs.Broker({
      connectionPool,
      logger,
      authenticationTimeout: connectTimeoutMs,
      allowAutoTopicCreation: false,
    })
  }

  get usable(): boolean {
    return this.#lost === undefined
  }

  async send<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    timeoutMs: number,
  ): Promise<Response> {
    if (this.#lost !== undefined) throw this.#lost
    if (!this.#open) await (this.#opening ??= this.#connect())
    const connection = this.#connection
    while (connection.sasl !== null && !connection.isAuthenticated()) await this.#authenticate()
    if (this.#lost !== undefined) throw this.#lost
    this.#checkVersion(api)
    // From here to the write nothing else may come between: a session that is being renewed takes no other requests.
    const answer = await new Promise<Buffer>((resolve, reject) => {
      const id = connection.nextCorrelationId()
      const chunks = frameRequest(api, id, this.#settings.clientId, request)
      const timer = setTimeout(() => {
        const what = `${this.#name} has not answered ${api.name} within ${timeoutMs} ms`
        this.close(new StreamError('TIMEOUT', `${what}: try again, and look at the broker and the network`))
      }, timeoutMs)
      this.#queue.expect(id, {
        resolve(payload) {
          clearTimeout(timer)
          resolve(payload)
        },
        reject(error) {
          clearTimeout(timer)
          reject(error)
        },
      })
      const socket = this.#socket!
      socket.cork()
      for (const chunk of chunks) socket.write(chunk)
      socket.uncork()
    }).catch((error) => {
      throw fromKafkajs(error, this.#name, this.#hint())
    })
    this.#answered = true
    return readAnswer(api, answer, request)
  }

  close(error: Error): void {
    if (this.#lost !== undefined) return
    this.#lost = error
    this.#queue.rejectAll(error)
    // With an error, so that kafkajs ends its timer where it is still waiting for the connection.
    this.#socket?.destroy(error)
    void this.#connection.disconnect().catch(() => {})
  }

  /** Connects, asks for versions and authenticates, all within the time for it. */
  async #connect(): Promise<void> {
    const { connectTimeoutMs } = this.#settings
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => {
      const what = `${this.#name} has not answered within ${connectTimeoutMs} ms`
      late.reject(new StreamError('TIMEOUT', `${what}: look at host, port and firewall, and ${this.#hint()}`))
    }, connectTimeoutMs)
    try {
      await Promise.race([this.#broker.connect(), late.promise])
      this.#setRenewal()
      this.#open = true
    } catch (cause) {
      const error = this.#lost ?? fromKafkajs(cause, this.#name, this.#hint())
      this.close(error)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Renews the session. kafkajs shares one exchange among all who wait for it. */
  async #authenticate(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost
    const { connectTimeoutMs } = this.#settings
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => late.reject(new StreamError('TIMEOUT', `${this.#name} does not renew the session: try again`)),
      connectTimeoutMs,
    )
    try {
      await Promise.race([this.#connection.authenticate(), late.promise])
      this.#setRenewal()
    } catch (cause) {
      const error = this.#lost ?? fromKafkajs(cause, this.#name, this.#hint())
      this.close(error)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** kafkajs renews 10 s ahead, which with sessions of a few seconds would be before each request. */
  #setRenewal(): void {
    const lifetimeMs = Number(this.#connection.sessionLifetime.toString())
    this.#connection.reauthenticationThreshold = Math.min(RENEW_AHEAD_MS, Math.floor(lifetimeMs / 5))
  }

  #checkVersion({ key, name, version }: Api<never, unknown>): void {
    const range = this.#broker.versions?.[key]
    if (range === null || range === undefined) {
      throw new StreamError(
        'UNSUPPORTED',
        `${this.#name} does not know ${name}: use another cluster for that`,
      )
    }
    if (version >= range.minVersion && version <= range.maxVersion) return
    throw new StreamError(
      'UNSUPPORTED',
      `${this.#name} speaks ${name} ${range.minVersion} to ${range.maxVersion}, not ${version}: use Kafka 2.8 or newer`,
    )
  }

  /** As kafkajs's own, and it tells when the connection is gone however that came about. */
  #createSocket(options: {
    host: string
    port: number
    ssl: object | null
    onConnect: () => void
  }): net.Socket {
    const { host, port, ssl, onConnect } = options
    const socket =
      ssl === null
        ? net.connect({ host, port }, onConnect)
        : tls.connect(
            { host, port, ...(net.isIP(host) === 0 ? { servername: host } : {}), ...ssl },
            onConnect,
          )
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    // A connection that fails is told by `error` first; `close` comes after it, also where nothing was said.
    socket.once('close', () => {
      if (this.#socket !== socket) return
      const gone = new StreamError('UNAVAILABLE', `${this.#name} ended the connection: ${this.#hint()}`)
      // The promise of kafkajs that waits for the connection is told by its own handlers before.
      setImmediate(() => this.close(gone))
    })
    this.#socket = socket
    if (this.#lost !== undefined) socket.destroy(this.#lost)
    return socket
  }

  /** What may be wrong where a broker hangs up. */
  #hint(): string {
    if (this.#answered) return 'try again'
    const { tls, sasl } = this.#settings
    if (tls === undefined && sasl === undefined)
      return 'perhaps the port wants TLS (tls=true) or SASL (sasl=…)'
    if (tls === undefined) return 'perhaps the port wants TLS (tls=true)'
    if (sasl === undefined)
      return 'perhaps it does not speak TLS, or wants SASL (sasl=…) or a client certificate'
    return 'perhaps the port does not speak TLS, or wants another mechanism'
  }
}

function toKafkajsSasl(sasl: SaslSettings): object {
  if (sasl.mechanism !== 'oauthbearer') return { ...sasl }
  return { mechanism: 'oauthbearer', authenticationProvider: oauthBearer(sasl.token) }
}
