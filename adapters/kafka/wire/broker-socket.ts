import net from 'node:net'
import tls from 'node:tls'
import { FrameReader } from './frame-reader.ts'
import type { TlsSettings } from './settings.ts'

const KEEP_ALIVE_MS = 30_000
/** Correlation ids below this are a client library's, for its hand-shake over the same socket. */
const FIRST_ID = 0x4000_0000
const LAST_ID = 0x7fff_ffff

interface Waiting {
  resolve(answer: Buffer): void
  reject(error: Error): void
}

export interface SocketEvents {
  /** TLS is spoken, where it is wanted. */
  connected?(): void
  /** It is gone, whoever ended it, perhaps told twice; what waited for answers has been told nothing. `error`: Node's, if it said one. */
  gone(error: Error | undefined): void
}

/**
 * A socket to a broker and the requests on their way there. Plain sockets read large answers straight into the memory that they
 * are kept in; requests are written as the pieces they consist of.
 */
export class BrokerSocket {
  readonly socket: net.Socket
  readonly #reader: FrameReader
  readonly #waiting = new Map<number, Waiting>()
  readonly #tls: boolean
  /** Who reads a library's answers. Undefined before `takeOver`: all are the library's then. */
  #library: ((chunk: Buffer) => void)[] | undefined
  #nextId = FIRST_ID

  /** Connects. With `taken` it reads answers from the start; without, a library's `data` listeners get them until `takeOver`. */
  constructor(
    host: string,
    port: number,
    tlsSettings: TlsSettings | undefined,
    { connected, gone }: SocketEvents,
    taken: boolean,
  ) {
    this.#tls = tlsSettings !== undefined
    this.#reader = new FrameReader((id, answer) => this.#take(id, answer))
    this.socket = this.#tls ? this.#connectTls(host, port, tlsSettings!) : this.#connectPlain(host, port)
    this.socket.setNoDelay(true)
    this.socket.setKeepAlive(true, KEEP_ALIVE_MS)
    if (connected !== undefined) this.socket.once(this.#tls ? 'secureConnect' : 'connect', connected)
    // Before a library's own listeners, so that the cause is known when it fails.
    this.socket.on('error', gone)
    this.socket.once('close', () => gone(undefined))
    if (taken) this.takeOver()
  }

  /** From here on answers are read here, and passed on to the library's listeners where it asked. */
  takeOver(): void {
    this.#library = this.socket.listeners('data') as ((chunk: Buffer) => void)[]
    this.socket.removeAllListeners('data')
    if (this.#tls) this.socket.on('data', (chunk: Buffer) => this.#read(() => this.#reader.push(chunk)))
    // What nobody listens to does not flow, and would not tell that it has ended.
    else this.socket.resume()
  }

  /** Takes a correlation id for a request; `waiting` is told of the answer, unless the request is forgotten before. */
  expect(waiting: Waiting): number {
    const id = this.#nextId
    this.#nextId = id === LAST_ID ? FIRST_ID : id + 1
    this.#waiting.set(id, waiting)
    return id
  }

  /** Writes the pieces of a request together. Large ones are not copied and must stay as they are. */
  write(chunks: readonly Buffer[]): void {
    const { socket } = this
    socket.cork()
    for (const chunk of chunks) socket.write(chunk)
    socket.uncork()
  }

  /** Ends the socket and all that waits. */
  destroy(error: Error): void {
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    // With an error, so that a library's hand-shake that waits ends too.
    this.socket.destroy(error)
    for (const waiting of all) waiting.reject(error)
  }

  #connectPlain(host: string, port: number): net.Socket {
    // What is written is copied by the kernel from where `buffer` says into which it then says it has.
    const space = (): Buffer => this.#reader.space
    return net.connect({
      host,
      port,
      onread: {
        buffer: space,
        callback: (size, bytes) => {
          if (this.#library === undefined) this.socket.emit('data', Buffer.from(bytes.subarray(0, size)))
          else this.#read(() => this.#reader.wrote(size))
          return true
        },
      },
    })
  }

  #connectTls(host: string, port: number, settings: TlsSettings): net.Socket {
    const servername = net.isIP(host) === 0 ? { servername: host } : {}
    return tls.connect({ host, port, ...servername, ...(settings as tls.ConnectionOptions) })
  }

  #read(take: () => void): void {
    try {
      take()
    } catch (error) {
      this.socket.destroy(error as Error)
    }
  }

  #take(id: number, answer: Buffer): void {
    const waiting = this.#waiting.get(id)
    if (waiting !== undefined) {
      this.#waiting.delete(id)
      return waiting.resolve(answer)
    }
    if (id >= FIRST_ID || id < 0) throw new Error(`an answer to a request that was not made (${id})`)
    const frame = Buffer.allocUnsafe(answer.length + 8)
    frame.writeInt32BE(answer.length + 4, 0)
    frame.writeInt32BE(id, 4)
    answer.copy(frame, 8)
    for (const listen of this.#library!) listen(frame)
  }
}
