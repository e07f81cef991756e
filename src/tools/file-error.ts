import { StreamError } from '../index.ts'

/** An error of the file system as a `StreamError` that names the file, or standard output for `-`, and the remedy. */
export function fileError(error: unknown, path: string, doing: 'read' | 'write'): StreamError {
  const { code, message } = error as NodeJS.ErrnoException
  const known = {
    ENOENT: [
      'NOT_FOUND',
      doing === 'read' ? 'there is no such file. Correct the name' : 'its directory is missing. Create it',
    ],
    EACCES: [
      'PERMISSION_DENIED',
      `it may not be ${doing === 'read' ? 'read' : 'written'}. Change its permissions`,
    ],
    EPERM: [
      'PERMISSION_DENIED',
      `it may not be ${doing === 'read' ? 'read' : 'written'}. Change its permissions`,
    ],
    EISDIR: ['INVALID_ARGUMENT', 'it is a directory. Name a file'],
    EEXIST: ['ALREADY_EXISTS', 'it is there already. Name another file, or replace it with --overwrite'],
    ENOSPC: ['UNAVAILABLE', 'the disk is full. Free some space and run it again'],
  } as const
  const [errorCode, what] = known[code as keyof typeof known] ?? [
    'INTERNAL',
    `${message}. Look at the file system`,
  ]
  return new StreamError(
    errorCode,
    `cannot ${doing} ${path === '-' ? 'standard output' : `"${path}"`}: ${what}.`,
    { cause: error },
  )
}
