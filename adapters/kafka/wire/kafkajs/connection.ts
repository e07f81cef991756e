import type { StreamError } from '../../../../src/driver.ts'
import { BrokerLink } from '../broker-link.ts'
import { BrokerSocket, type SocketEvents } from '../broker-socket.ts'
import type { BrokerConnection, Connector } from '../connector.ts'
import type { Handshake } from '../handshake.ts'
import type { ConnectionSettings, SaslSettings } from '../settings.ts'
import { AnswerQueue } from './answer-queue.ts'
import { fromKafkajs } from './errors.ts'
import { type Kafkajs, type KafkajsBroker, type KafkajsConnection, loadKafkajs } from './internals.ts'
import { oauthBearer } from './oauth-bearer.ts'

/** Connections whose API versions and SASL are kafkajs's. */
export class KafkajsConnector implements Connector {
  readonly #kafkajs: Kafkajs
  readonly #settings: ConnectionSettings

  constructor(settings: ConnectionSettings) {
    this.#kafkajs = loadKafkajs()
    this.#settings = settings
  }

  connect(host: string, port: number): BrokerConnection {
    return new BrokerLink(
      this.#settings,
      host,
      port,
      (...to) => new KafkajsHandshake(this.#kafkajs, this.#settings, ...to),
    )
  }
}

class KafkajsHandshake implements Handshake {
  socket: BrokerSocket | undefined
  readonly #name: string
  readonly #queue = new AnswerQueue()
  readonly #broker: KafkajsBroker
  readonly #connection: KafkajsConnection
  #ended: Error | undefined

  constructor(
    kafkajs: Kafkajs,
    settings: ConnectionSettings,
    host: string,
    port: number,
    { gone }: SocketEvents,
  ) {
    this.#name = `${host}:${port}`
    const { clientId, tls, sasl, connectTimeoutMs } = settings
    const { logger } = kafkajs
    const connectionPool = new kafkajs.ConnectionPool({
      host,
      port,
      clientId,
      logger,
      ssl: tls ?? null,
      sasl: sasl === undefined ? null : toKafkajsSasl(sasl),
      socketFactory: ({ onConnect }) => {
        this.socket = new BrokerSocket(host, port, tls, { connected: onConnect, gone }, false)
        if (this.#ended !== undefined) this.socket.destroy(this.#ended)
        return this.socket.socket
      },
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

  async begin(): Promise<number> {
    await this.#broker.connect()
    this.socket!.takeOver()
    return this.#lifeMs()
  }

  async renew(): Promise<number> {
    // It does so where a session ends within that time.
    this.#connection.reauthenticationThreshold = this.#lifeMs()
    await this.#connection.authenticate()
    return this.#lifeMs()
  }

  versions(apiKey: number) {
    return this.#broker.versions?.[apiKey] ?? undefined
  }

  classify(error: unknown, hint: string): StreamError {
    return fromKafkajs(error, this.#name, hint)
  }

  end(error: Error): void {
    this.#ended = error
    this.#queue.rejectAll(error)
    void this.#connection.disconnect().catch(() => {})
  }

  #lifeMs(): number {
    return Number(this.#connection.sessionLifetime.toString())
  }
}

function toKafkajsSasl(sasl: SaslSettings): object {
  if (sasl.mechanism !== 'oauthbearer') return { ...sasl }
  return { mechanism: 'oauthbearer', authenticationProvider: oauthBearer(sasl.token) }
}
