import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import http2 from 'node:http2'
import net, { type AddressInfo } from 'node:net'
import { socketOf } from '../../aws-faults/cut.ts'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface Listening {
  readonly port: number
  /** Breaks every connection. */
  close(): Promise<void>
}

/** HTTP/1.1 and HTTP/2 with prior knowledge on one port of 127.0.0.1: told apart by the first bytes. */
export async function listen(port: number, handler: Handler): Promise<Listening> {
  // The service keeps connections; a server that closes them first would add resets of its own.
  const plain = http.createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, handler)
  // Its requests and answers have the shape of HTTP/1.1's as far as the fake uses them.
  const second = http2.createServer(handler as unknown as Parameters<typeof http2.createServer>[1])
  let connecting: net.Socket | undefined
  second.on('session', (session) => {
    // Sessions are made while their connection is handed over.
    socketOf(session, connecting!)
    session.on('error', () => {})
  })
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    socket.once('data', (first) => {
      socket.pause()
      socket.unshift(first)
      const isSecond = first.subarray(0, 3).toString() === 'PRI'
      connecting = socket
      ;(isSecond ? second : plain).emit('connection', socket)
      if (!isSecond) process.nextTick(() => socket.resume())
    })
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
