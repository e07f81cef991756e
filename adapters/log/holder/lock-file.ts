import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

interface NativeLocks {
  tryLock(fd: number, offset: number, length: number): boolean
  unlock(fd: number, offset: number, length: number): void
}

export const LOCK_NAME = '.lock'

/** Who holds the log, for those who look for it. */
export interface HolderInfo {
  readonly pid: number
  readonly host: string
  readonly protocol: number
  /** Where it listens; null while it is opening the log. */
  readonly socket: string | null
}

// Far behind the file's content, because a lock on Windows keeps others from reading what it covers.
const LOCK_OFFSET = 2 ** 30
const LOCK_LENGTH = 1

let native: NativeLocks | undefined
const locks = (): NativeLocks =>
  (native ??= createRequire(import.meta.url)('fs-native-extensions') as NativeLocks)

/**
 * The lock on a log's folder. It belongs to the open file: the system takes it back when the process ends, however it
 * ends, and not when it is merely stopped.
 */
export class LockFile {
  readonly #path: string
  readonly #fd: number
  #isLocked = false

  /** Throws the system's error where the file cannot be created. */
  constructor(folder: string) {
    this.#path = path.join(folder, LOCK_NAME)
    this.#fd = fs.openSync(this.#path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o666)
  }

  /** Whether this process holds the log now. */
  tryLock(): boolean {
    this.#isLocked ||= locks().tryLock(this.#fd, LOCK_OFFSET, LOCK_LENGTH)
    return this.#isLocked
  }

  unlock(): void {
    if (this.#isLocked) locks().unlock(this.#fd, LOCK_OFFSET, LOCK_LENGTH)
    this.#isLocked = false
  }

  /** By the holder alone. */
  write(info: HolderInfo): void {
    fs.ftruncateSync(this.#fd, 0)
    fs.writeSync(this.#fd, `${JSON.stringify(info)}\n`, 0)
  }

  /** What the present or the last holder wrote; undefined where that is nothing whole. */
  read(): HolderInfo | undefined {
    try {
      return JSON.parse(fs.readFileSync(this.#path, 'utf8')) as HolderInfo
    } catch {
      return undefined
    }
  }

  close(): void {
    this.unlock()
    fs.closeSync(this.#fd)
  }
}
