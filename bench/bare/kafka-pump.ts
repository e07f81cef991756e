import net from 'node:net'

/**
 * One connection with so many requests on their way: that many at once, then one for each answer, until `answer` says that
 * it was the last. Undefined for a request: there are no more.
 */
export function pump(
  broker: string,
  window: number,
  request: (turn: number) => Buffer | undefined,
  answer: (bytes: Buffer) => boolean,
): Promise<void> {
  const [host, port] = broker.split(':')
  return new Promise((resolve, reject) => {
    const socket = net.connect(Number(port), host).setNoDelay(true)
    let chunks: Buffer[] = []
    let size = 0
    let turn = 0
    const ask = (): void => {
      const next = request(turn++)
      if (next !== undefined) socket.write(next)
    }
    const take = (): Buffer | undefined => {
      if (size < 4) return undefined
      if (chunks[0]!.length < 4) chunks = [Buffer.concat(chunks)]
      const whole = chunks[0]!.readInt32BE(0) + 4
      if (size < whole) return undefined
      const all = chunks.length > 1 ? Buffer.concat(chunks) : chunks[0]!
      const rest = all.subarray(whole)
      chunks = rest.length > 0 ? [rest] : []
      size = rest.length
      return all.subarray(0, whole)
    }
    socket.once('error', reject)
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      size += chunk.length
      try {
        for (let bytes = take(); bytes !== undefined; bytes = take()) {
          if (answer(bytes)) {
            socket.destroy()
            return resolve()
          }
          ask()
        }
      } catch (error) {
        socket.destroy()
        reject(error)
      }
    })
    for (let i = 0; i < window; i++) ask()
  })
}
