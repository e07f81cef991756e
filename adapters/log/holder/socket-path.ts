import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { StreamError } from '../../../src/driver.ts'

export const SOCKET_NAME = '.sock'
/** Unix allows 104 to 108 bytes, its end included. */
const MAX_PATH_BYTES = 100

/**
 * Where the holder of a folder listens: in the folder; where that path is too long for a socket, in a private folder of
 * this user among the temporary ones; a named pipe on Windows. `folder` is a real path.
 */
export function socketPath(folder: string): string {
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 24)
  if (process.platform === 'win32') return `\\\\.\\pipe\\millrace-${hash}`
  const inside = path.join(folder, SOCKET_NAME)
  if (Buffer.byteLength(inside) <= MAX_PATH_BYTES) return inside
  return path.join(privateFolder(), `${hash}.sock`)
}

function privateFolder(): string {
  const uid = process.getuid?.() ?? 0
  const folder = path.join(os.tmpdir(), `millrace-${uid}`)
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  const stat = fs.lstatSync(folder)
  // Someone else's folder under that name could hand out a socket of theirs.
  if (!stat.isDirectory() || stat.uid !== uid || (stat.mode & 0o077) !== 0) {
    throw new StreamError(
      'PERMISSION_DENIED',
      `${folder} is not a private folder of this user: remove it, or use a shorter path for the log`,
    )
  }
  return folder
}
