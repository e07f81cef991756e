import { StreamError, type StreamErrorCode } from '../../../src/driver.ts'

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
const DENIED = new Set(['EACCES', 'EPERM', 'EROFS'])

/** Makes the errors of one partition's log: they carry its topic and partition, and name its folder. */
export class LogErrors {
  readonly name: string
  readonly location: string
  readonly #topic: string | undefined
  readonly #partition: string | undefined

  /** `name` is the partition's folder: topic, hyphen, partition. */
  constructor(name: string, location: string) {
    const hyphen = name.lastIndexOf('-')
    this.name = name
    this.location = location
    this.#topic = hyphen < 0 ? name : name.slice(0, hyphen)
    this.#partition = hyphen < 0 ? undefined : name.slice(hyphen + 1)
  }

  of(code: StreamErrorCode, message: string, cause?: unknown): StreamError {
    return new StreamError(code, `${this.name}: ${message}`, {
      topic: this.#topic,
      partition: this.#partition,
      cause,
    })
  }

  /** INTERNAL: bytes are not those that were written. `resumeAt` is the next offset that can be read, where one is known. */
  damaged(file: string, offset: number, position: number, reason: string, resumeAt?: number): StreamError {
    const resume =
      resumeAt === undefined
        ? 'nothing readable follows it'
        : `or resume at offset ${resumeAt} and lose what lies between`
    return this.of(
      'INTERNAL',
      `record batch at offset ${offset} ${reason} (byte ${position} of ${file} in ${this.location}); ` +
        `nothing was cut off. Restore the file from a copy, ${resume}`,
    )
  }

  /** A failed system call: UNAVAILABLE, PERMISSION_DENIED where that is the cause. `what` completes "cannot …". */
  system(error: unknown, what: string): StreamError {
    if (error instanceof StreamError) return error
    const { code = 'no code', message } = error as NodeJS.ErrnoException
    if (DENIED.has(code)) {
      return this.of(
        'PERMISSION_DENIED',
        `cannot ${what} in ${this.location} (${message}): give this user the right to write there`,
        error,
      )
    }
    const remedy = FULL.has(code)
      ? 'the disk or its quota is full: free some room and send again, nothing acknowledged was lost'
      : 'look after the disk and send again, nothing acknowledged was lost'
    return this.of(
      'UNAVAILABLE',
      `cannot ${what} in ${this.location} (${code}: ${message}): ${remedy}`,
      error,
    )
  }
}
