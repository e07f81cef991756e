import net from 'node:net'

/** Stands between clients and one broker, to cut the network between them. */
export class TcpProxy {
  readonly port: number
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  #cut = false
  #lose: { readonly apiKey: number; resolve(): void } | undefined

  private constructor(server: net.Server, port: number) {
    this.#server = server
    this.port = port
  }

  /** Listens on `port` for what goes to `to`, both on 127.0.0.1. */
  static async listen(port: number, to: number): Promise<TcpProxy> {
    const server = net.createServer({ allowHalfOpen: false })
    const proxy = new TcpProxy(server, port)
    server.on('connection', (client) => proxy.#join(client, net.connect(to, '127.0.0.1')))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve)
    })
    return proxy
  }

  /** The next request of that kind does not arrive: its connection is closed. Resolves when that has happened. */
  loseNext(apiKey: number): Promise<void> {
    return new Promise((resolve) => {
      this.#lose = { apiKey, resolve }
    })
  }

  /** Nothing passes any more, in either direction, and nobody is told: as when a cable is pulled. */
  cut(): void {
    this.#cut = true
    for (const socket of this.#sockets) socket.pause()
  }

  heal(): void {
    this.#cut = false
    for (const socket of this.#sockets) socket.resume()
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #join(client: net.Socket, broker: net.Socket): void {
    for (const [from, to] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(from)
      from.setNoDelay(true)
      from.on('data', (data) => {
        // Clients write whole requests: length, then the number of the API.
        if (from === client && this.#lose !== undefined && data.readInt16BE(4) === this.#lose.apiKey) {
          this.#lose.resolve()
          this.#lose = undefined
          client.destroy()
          return
        }
        if (!to.write(data) && !this.#cut) {
          from.pause()
          to.once('drain', () => {
            if (!this.#cut) from.resume()
          })
        }
      })
      from.on('error', () => {})
      from.once('close', () => {
        this.#sockets.delete(from)
        to.destroy()
      })
      if (this.#cut) from.pause()
    }
  }
}
