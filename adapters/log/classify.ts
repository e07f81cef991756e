import { StreamError, type StreamErrorCode } from '../../src/driver.ts'

const REASONS: Readonly<Record<string, readonly [StreamErrorCode, string]>> = {
  ENOSPC: ['UNAVAILABLE', 'the disk is full: free some room and try again, nothing acknowledged was lost'],
  EDQUOT: [
    'UNAVAILABLE',
    'the disk quota is used up: free some room and try again, nothing acknowledged was lost',
  ],
  EFBIG: ['UNAVAILABLE', 'a file would be larger than the system allows: raise the limit (ulimit -f)'],
  EIO: ['UNAVAILABLE', 'the disk failed: look after it, then open the log again'],
  EMFILE: ['UNAVAILABLE', 'too many open files: raise the limit (ulimit -n), or use fewer partitions'],
  ENFILE: ['UNAVAILABLE', 'too many open files on this machine: close some'],
  ENOMEM: ['UNAVAILABLE', 'no memory left: free some'],
  EACCES: [
    'PERMISSION_DENIED',
    'this user may not do that there: give it read and write permission on the folder',
  ],
  EPERM: [
    'PERMISSION_DENIED',
    'this user may not do that there: give it read and write permission on the folder',
  ],
  EROFS: ['PERMISSION_DENIED', 'the file system is read-only: choose a folder that can be written to'],
  ENOTDIR: ['INVALID_ARGUMENT', 'a part of the path is a file: choose a folder'],
  EEXIST: ['INVALID_ARGUMENT', 'a file of that name stands there: choose another folder'],
  ENAMETOOLONG: ['INVALID_ARGUMENT', 'the path is too long: choose a shorter one'],
  ELOOP: ['INVALID_ARGUMENT', 'the path goes in a circle of links: choose another one'],
  ENOENT: ['NOT_FOUND', 'the file or folder was removed meanwhile: restore it, or open the log again'],
  ECONNREFUSED: ['UNAVAILABLE', 'the process that holds the log does not listen: try again'],
  ECONNRESET: ['UNAVAILABLE', 'the process that holds the log has ended: try again'],
  EPIPE: ['UNAVAILABLE', 'the process that holds the log has ended: try again'],
  ETIMEDOUT: ['TIMEOUT', 'no answer came in time: try again'],
}

/** Any error of this adapter as a StreamError. What is not known is INTERNAL and is not retried. */
export function classify(error: unknown): StreamError {
  if (error instanceof StreamError) return error
  const { code, message = String(error) } = (error ?? {}) as NodeJS.ErrnoException
  const known = code === undefined ? undefined : REASONS[code]
  if (known !== undefined) return new StreamError(known[0], `${message}: ${known[1]}`, { cause: error })
  return new StreamError('INTERNAL', `${message}: this is not expected, please report it with the cause`, {
    cause: error,
  })
}
