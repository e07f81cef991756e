import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { MemberReport } from './member.ts'

/** A record that a member has processed, in the order of processing. */
export interface Delivery {
  readonly id: string
  readonly partition: string
  readonly position: string
}

/** A member process of the demo's group, and what it has told. */
export class Worker implements AsyncDisposable {
  readonly name: string
  readonly deliveries: Delivery[] = []
  /** By partition, the position before which all is covered by an acknowledged checkpoint. */
  readonly checkpoints = new Map<string, string>()
  /** By partition, how many it has processed since. */
  readonly unsaved = new Map<string, number>()
  /** What it said on stderr. */
  complaints = ''
  private readonly process: ChildProcessByStdio<Writable, Readable, Readable>
  private readonly ended: Promise<unknown>

  constructor(name: string, args: readonly string[], onReport: () => void) {
    this.name = name
    const main = fileURLToPath(new URL(`../main${extname(import.meta.url)}`, import.meta.url))
    this.process = spawn(process.execPath, [...process.execArgv, main, 'demo-member', ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.process.stdin.on('error', () => {}) // it was killed
    this.process.stderr.setEncoding('utf8').on('data', (text) => {
      this.complaints += text
    })
    const lines = createInterface({ input: this.process.stdout })
    lines.on('line', (line) => {
      this.note(JSON.parse(line) as MemberReport)
      onReport()
    })
    this.ended = Promise.all([once(this.process, 'close'), once(lines, 'close')]).finally(() => onReport())
  }

  get pid(): number {
    return this.process.pid ?? 0
  }

  get exited(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null
  }

  /** `kill -9`; resolves when all that it had told before is here. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.ended
  }

  /** Lets it checkpoint and leave its group. */
  async stop(): Promise<void> {
    this.process.stdin.end()
    await this.ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.exited) await this.kill()
  }

  private note(report: MemberReport): void {
    if ('checkpointed' in report) {
      this.checkpoints.set(report.checkpointed, report.before)
      this.unsaved.set(report.checkpointed, 0)
      return
    }
    this.deliveries.push(report)
    this.unsaved.set(report.partition, (this.unsaved.get(report.partition) ?? 0) + 1)
  }
}
