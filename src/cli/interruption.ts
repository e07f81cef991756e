import { Interrupted } from './failure.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Ctrl-C asks a command to finish what it holds: the first aborts `signal`, the second ends the process at once.
 */
export class Interruption implements Disposable {
  private readonly controller = new AbortController()
  private came: NodeJS.Signals | undefined

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.onSignal)
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  /** Ends the command with the exit code of its signal, once it has said where to go on. */
  throwIfInterrupted(): void {
    if (this.came !== undefined) throw new Interrupted(this.came)
  }

  [Symbol.dispose](): void {
    for (const signal of SIGNALS) process.off(signal, this.onSignal)
  }

  private readonly onSignal = (signal: NodeJS.Signals): void => {
    if (this.came !== undefined) {
      this[Symbol.dispose]()
      // not process.exit, which waits for a write that is blocked
      process.kill(process.pid, signal)
      return
    }
    this.came = signal
    if (process.stderr.isTTY)
      process.stderr.write('\nfinishing what is under way; once more to end at once\n')
    this.controller.abort(new Interrupted(signal))
  }
}
