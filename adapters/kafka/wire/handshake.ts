import type { StreamError } from '../../../src/driver.ts'
import type { BrokerSocket, SocketEvents } from './broker-socket.ts'

/** How a client library gets a connection to where it takes requests: API versions and SASL, over a socket that is ours. */
export interface Handshake {
  /** From when on it is to be used: when `begin` resolves. */
  readonly socket: BrokerSocket | undefined
  /** Connects, asks for versions and authenticates. Resolves with the session's life in milliseconds; 0: without end. */
  begin(): Promise<number>
  /** Authenticates again, while nothing else is sent. Resolves as `begin` does. */
  renew(): Promise<number>
  /** What the broker speaks of an API; undefined: it does not know it. */
  versions(apiKey: number): { readonly minVersion: number; readonly maxVersion: number } | undefined
  /** An error of the library's. `hint`: what may be wrong where a broker hangs up. */
  classify(error: unknown, hint: string): StreamError
  /** The connection has ended with this error; the library lets go of it. */
  end(error: Error): void
}

export type HandshakeFactory = (host: string, port: number, events: SocketEvents) => Handshake
