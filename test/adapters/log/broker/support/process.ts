import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface ChildEvent {
  readonly event: string
  readonly values?: string[]
  readonly partition?: string
  readonly n?: number
  readonly message?: string
  readonly epoch?: number
}

const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url))

/** A process that uses a log; see `child.ts`. */
export class TestProcess {
  readonly events: ChildEvent[] = []
  readonly exited: Promise<number | null>
  readonly #child: ChildProcess
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>()
  #next = 0

  constructor(options: { uid?: number } = {}) {
    this.#child = fork(CHILD, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], ...options })
    this.#child.on('message', (message: ChildEvent | { id: number; result?: unknown; error?: object }) => {
      if ('event' in message) {
        this.events.push(message)
        return
      }
      const call = this.#calls.get(message.id)
      this.#calls.delete(message.id)
      if (message.error === undefined) call?.resolve(message.result)
      else call?.reject(Object.assign(new Error(), message.error))
    })
    // What it said before it died may still be on its way: it is all here when the channel is closed too.
    const silent = new Promise<void>((resolve) => this.#child.on('disconnect', resolve))
    const dead = new Promise<number | null>((resolve) => this.#child.on('exit', resolve))
    this.exited = Promise.all([dead, silent]).then(([code]) => {
      for (const call of this.#calls.values()) call.reject(new Error('the process ended'))
      return code
    })
  }

  static async open(address: string): Promise<TestProcess> {
    const process = new TestProcess()
    await process.call('open', { address })
    return process
  }

  get pid(): number {
    return this.#child.pid!
  }

  call(op: string, args: object = {}): Promise<unknown> {
    const id = ++this.#next
    const call = Promise.withResolvers<unknown>()
    // A killed process rejects calls that a test may no longer look at.
    call.promise.catch(() => {})
    this.#calls.set(id, call)
    this.#child.send({ id, op, ...args })
    return call.promise
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.exited
  }

  /** All values of events of that kind. */
  values(event: string): string[] {
    return this.events.flatMap((one) => (one.event === event ? (one.values ?? []) : []))
  }
}
