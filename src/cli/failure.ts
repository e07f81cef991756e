import { InvalidArgumentError } from 'commander'
import { StreamError } from '../index.ts'
import { OutputClosed } from '../tools/standard-output.ts'

/** The command line itself is wrong: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** The command was stopped by a signal and has said where to go on. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly exitCode: number

  constructor(signal: NodeJS.Signals) {
    super(`stopped by ${signal}`)
    this.exitCode = signal === 'SIGINT' ? 130 : signal === 'SIGHUP' ? 129 : 143
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exitCode
  if (error instanceof OutputClosed) return 0
  return error instanceof UsageError ? 2 : 1
}

/** One line on stderr: code, message, remedy. With `verbose` the causes follow, each on a line; no stack. */
export function report(error: unknown, { verbose }: { readonly verbose: boolean }): void {
  if (error instanceof Interrupted || error instanceof OutputClosed) return
  process.stderr.write(`millrace: ${lineOf(error)}\n`)
  if (!verbose) return
  for (let cause = causeOf(error); cause !== undefined; cause = causeOf(cause)) {
    process.stderr.write(`  caused by: ${lineOf(cause)}\n`)
  }
}

function lineOf(error: unknown): string {
  if (!(error instanceof Error)) return `INTERNAL: ${String(error)}`
  const code =
    error instanceof StreamError ? error.code : error instanceof UsageError ? 'USAGE' : codeOf(error)
  return `${code}: ${error.message.replace(/\s*\n\s*/g, ' ')}`
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : 'INTERNAL'
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined
}

/** Turns what a parser of an option or argument throws into commander's error, which names the option. */
export function parsedBy<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text)
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message)
    }
  }
}
