import { write } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { fileError } from './file-error.ts'

/** Whoever read our output has gone: `| head` had enough. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed'

  constructor() {
    super('standard output was closed')
  }
}

let last: Promise<void> = Promise.resolve()

/**
 * Writes to standard output, one call after the other; resolves when it was taken. `process.stdout` writes to pipes in the
 * event loop's own thread: a reader that pauses would stop heartbeats with it. Rejects with `OutputClosed`.
 */
export function writeAll(data: string | Uint8Array): Promise<void> {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  const writing = last.then(() => writeBytes(bytes))
  last = writing.catch(() => {})
  return writing
}

async function writeBytes(bytes: Uint8Array): Promise<void> {
  let at = 0
  while (at < bytes.length) {
    try {
      at += await new Promise<number>((resolve, reject) => {
        write(1, bytes, at, (error, written) => (error ? reject(error) : resolve(written)))
      })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EPIPE' || code === 'EBADF') throw new OutputClosed()
      // the other end made the pipe non-blocking: it is full for now
      if (code !== 'EAGAIN') throw fileError(error, '-', 'write')
      await wait(5)
    }
  }
}
