import { isatty } from 'node:tty'

/** Whether people read standard output. Not `process.stdout.isTTY`: asking it opens a stream on the pipe that `writeAll` writes to. */
export const outputIsTerminal = isatty(1)

/** Columns to fit in; undefined where standard output is no terminal. */
export function outputColumns(): number | undefined {
  return outputIsTerminal ? process.stdout.columns || 80 : undefined
}
