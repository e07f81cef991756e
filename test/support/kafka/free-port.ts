import net from 'node:net'

const FIRST = 20_000
const COUNT = 12_000
let next = Math.floor(Math.random() * COUNT)

/**
 * A port of 127.0.0.1 that nobody listens on: a broker's must be known before it starts, as it tells clients where it is. Below those that the
 * system deals out to connections, since a broker that was killed has to find its own free when it comes back.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + (next++ % COUNT)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer().once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
