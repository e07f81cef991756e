import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import net, { type AddressInfo } from 'node:net'
import { standsOn } from '../../aws-faults/cut.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface Tls {
  /** PEM. */
  readonly key: string
  readonly cert: string
}

export interface Listening {
  readonly port: number
  /** Breaks every connection. */
  close(): Promise<void>
}

/**
 * HTTP/1.1 and HTTP/2 on one port of 127.0.0.1. In plain text they are told apart by the first bytes (HTTP/2 with prior knowledge),
 * with TLS by ALPN.
 */
export async function listen(port: number, handler: Handler, tls?: Tls): Promise<Listening> {
  const accept = tls === undefined ? plainListener(handler) : tlsListener(handler, tls)
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    accept(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

// Requests and answers of HTTP/2 have the shape of HTTP/1.1's as far as the fake uses them.
type SecondHandler = (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => void

// The service keeps connections; a server that closes them first would add resets of its own.
const KEEP = { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }

function plainListener(handler: Handler): (socket: net.Socket) => void {
  const first = http.createServer(KEEP, handler)
  const second = http2.createServer(handler as unknown as SecondHandler)
  let connecting: net.Socket | undefined
  second.on('session', (session) => {
    // Sessions are made while their connection is handed over.
    standsOn(session, connecting!)
    session.on('error', () => {})
  })
  return (socket) => {
    socket.once('data', (bytes) => {
      socket.pause()
      socket.unshift(bytes)
      const isSecond = bytes.subarray(0, 3).toString() === 'PRI'
      connecting = socket
      ;(isSecond ? second : first).emit('connection', socket)
      if (!isSecond) process.nextTick(() => socket.resume())
    })
  }
}

function tlsListener(handler: Handler, { key, cert }: Tls): (socket: net.Socket) => void {
  const byPort = new Map<number, net.Socket>()
  const server = http2.createSecureServer(
    { key, cert, allowHTTP1: true },
    handler as unknown as SecondHandler,
  )
  Object.assign(server, KEEP)
  let connecting: net.Socket | undefined
  server.prependListener('secureConnection', (secured) => {
    connecting = byPort.get(secured.remotePort!)!
    standsOn(secured, connecting)
  })
  server.on('session', (session) => {
    standsOn(session, connecting!)
    session.on('error', () => {})
  })
  server.on('tlsClientError', () => {})
  return (socket) => {
    const port = socket.remotePort!
    byPort.set(port, socket)
    socket.once('close', () => byPort.delete(port))
    server.emit('connection', socket)
  }
}
