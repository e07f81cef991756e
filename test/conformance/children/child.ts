import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { eventually } from '../eventually.ts'
import type { OracleEvent } from '../oracle/events.ts'
import type { ChildDriver } from '../setup.ts'
import type { ChildOrder, Task } from './task.ts'

/** A process of its own that works on the backend and reports line by line, so that nothing it said is lost by `kill -9`. */
export class Child {
  readonly member: string
  /** What it said that was no event: `ready`, `done`, … */
  readonly said: string[] = []
  exitCode: number | null | undefined
  stderr = ''
  private readonly process: ChildProcess
  private readonly exited: Promise<unknown>
  private events = 0

  constructor(driver: ChildDriver, task: Task & { member: string }, adopt: (event: OracleEvent) => void) {
    this.member = task.member
    const order: ChildOrder = { driver, task }
    const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
    const worker = fileURLToPath(new URL(`./worker${extension}`, import.meta.url))
    this.process = spawn(process.execPath, [worker, JSON.stringify(order)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.process.stdin!.on('error', () => {})
    const lines = createInterface({ input: this.process.stdout! })
    lines.on('line', (line) => {
      // A line that kill -9 cut short is one that was never said.
      const message = parsed(line)
      if (message?.event !== undefined) {
        this.events++
        adopt(message.event)
      } else if (message?.say !== undefined) this.said.push(message.say)
    })
    this.process.stderr!.on('data', (chunk) => {
      this.stderr = `${this.stderr}${chunk}`.slice(-4_000)
    })
    this.exited = Promise.all([once(this.process, 'exit'), once(lines, 'close')]).then(() => {
      this.exitCode = this.process.exitCode
    })
    this.exited.catch(() => {})
  }

  /** How many events it has reported. */
  get reported(): number {
    return this.events
  }

  async says(what: string, withinMs = 10_000): Promise<void> {
    await eventually(() => this.said.includes(what), {
      withinMs,
      what: () =>
        `child ${this.member} says "${what}"; it said ${JSON.stringify(this.said)} and, on stderr, ${this.stderr}`,
      unless: () => {
        if (this.exitCode !== undefined && !this.said.includes(what))
          throw new Error(`child ${this.member} ended with ${this.exitCode} before "${what}": ${this.stderr}`)
      },
    })
  }

  /** `kill -9`; resolves when it is gone and all that it said has been heard. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.exited
  }

  /** Lets it end by itself. */
  async finish(): Promise<void> {
    this.process.stdin!.end()
    await this.exited
  }

  /** Resolves when it has ended, whoever made it. */
  async end(): Promise<void> {
    await this.exited
  }

  /** SIGSTOP: alive, and unable to know what happens meanwhile. */
  stop(): void {
    this.process.kill('SIGSTOP')
  }

  continue(): void {
    this.process.kill('SIGCONT')
  }
}

function parsed(line: string): { event?: OracleEvent; say?: string } | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
