import { StreamError } from '../../../src/driver.ts'
import type { BrokerConnection } from './connector.ts'
import { frameRequest, readAnswer } from './frame.ts'
import type { Handshake, HandshakeFactory } from './handshake.ts'
import type { ConnectionSettings } from './settings.ts'
import { fromSocket } from './socket-errors.ts'
import type { Api } from './wire.ts'

/** Sessions are renewed so long before their end, or in the last fifth of short ones. */
const RENEW_AHEAD_MS = 10_000

/** A connection over any library's hand-shake: requests of our own, time-outs, and sessions renewed between requests. */
export class BrokerLink implements BrokerConnection {
  readonly host: string
  readonly port: number
  readonly #name: string
  readonly #settings: ConnectionSettings
  readonly #handshake: Handshake
  #opening: Promise<void> | undefined
  #renewing: Promise<void> | undefined
  #open = false
  #answered = false
  /** `performance.now()` */
  #renewAt = Number.POSITIVE_INFINITY
  #lost: StreamError | Error | undefined

  constructor(settings: ConnectionSettings, host: string, port: number, handshake: HandshakeFactory) {
    this.host = host
    this.port = port
    this.#name = `${host}:${port}`
    this.#settings = settings
    this.#handshake = handshake(host, port, { gone: (error) => this.#gone(error) })
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
    if (!this.#open) await (this.#opening ??= this.#begin())
    // A session that is being renewed takes no other requests.
    while (performance.now() >= this.#renewAt) await (this.#renewing ??= this.#renew())
    if (this.#lost !== undefined) throw this.#lost
    this.#checkVersion(api)
    const answer = await this.#exchange(api, request, timeoutMs)
    this.#answered = true
    return readAnswer(api, answer, request)
  }

  close(error: Error): void {
    if (this.#lost !== undefined) return
    this.#lost = error
    this.#handshake.end(error)
    this.#handshake.socket?.destroy(error)
  }

  #exchange<Request>(api: Api<Request, unknown>, request: Request, timeoutMs: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const socket = this.#handshake.socket!
      const timer = setTimeout(() => {
        const what = `${this.#name} has not answered ${api.name} within ${timeoutMs} ms`
        this.close(new StreamError('TIMEOUT', `${what}: try again, and look at the broker and the network`))
      }, timeoutMs)
      const id = socket.expect({
        resolve(answer) {
          clearTimeout(timer)
          resolve(answer)
        },
        reject(error) {
          clearTimeout(timer)
          reject(error)
        },
      })
      socket.write(frameRequest(api, id, this.#settings.clientId, request))
    })
  }

  async #begin(): Promise<void> {
    const { connectTimeoutMs } = this.#settings
    const what = `${this.#name} has not answered within ${connectTimeoutMs} ms`
    const remedy = `look at host, port and firewall, and ${this.#hint()}`
    await this.#within(this.#handshake.begin(), `${what}: ${remedy}`)
    this.#open = true
  }

  async #renew(): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost
    await this.#within(this.#handshake.renew(), `${this.#name} does not renew the session: try again`)
    this.#renewing = undefined
  }

  /** Waits for a hand-shake as long as a connection may take; one that fails ends the connection. */
  async #within(handshake: Promise<number>, tooLate: string): Promise<void> {
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => late.reject(new StreamError('TIMEOUT', tooLate)),
      this.#settings.connectTimeoutMs,
    )
    try {
      const lifeMs = await Promise.race([handshake, late.promise])
      const aheadMs = Math.min(RENEW_AHEAD_MS, lifeMs / 5)
      this.#renewAt = lifeMs > 0 ? performance.now() + lifeMs - aheadMs : Number.POSITIVE_INFINITY
    } catch (cause) {
      const error = this.#lost ?? this.#handshake.classify(cause, this.#hint())
      this.close(error)
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  #gone(error: Error | undefined): void {
    const lost =
      error === undefined
        ? new StreamError('UNAVAILABLE', `${this.#name} ended the connection: ${this.#hint()}`)
        : fromSocket(error, this.#name, this.#hint())
    this.close(lost)
  }

  #checkVersion({ key, name, version }: Api<never, unknown>): void {
    const range = this.#handshake.versions(key)
    if (range === undefined) {
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
