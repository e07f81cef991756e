import type { Api } from './wire.ts'

/** What a client library is used for: connections that speak TLS and SASL. */
export interface Connector {
  /** A connection to come: it is made when the first request needs it. */
  connect(host: string, port: number): BrokerConnection
}

export interface BrokerConnection {
  readonly host: string
  readonly port: number
  /** False once it was lost or closed: make another one. */
  readonly usable: boolean
  /**
   * Requests are written in the order of the calls and answered in that order. Rejects with StreamError: UNAVAILABLE, TIMEOUT
   * (the connection is given up), PERMISSION_DENIED, UNSUPPORTED.
   */
  send<Request, Response>(api: Api<Request, Response>, request: Request, timeoutMs: number): Promise<Response>
  /** Requests on their way reject with `error`. Idempotent. */
  close(error: Error): void
}
