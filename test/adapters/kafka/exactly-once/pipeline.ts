import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface PipelineOrder {
  readonly address: string
  readonly group: string
  readonly input: string
  readonly outputs: readonly string[]
}

/** The `n`th record of its key, counting from 0; `topic` where it was written to. */
export interface Step {
  readonly key: string
  readonly n: number
  readonly topic?: string
}

const CHILD = fileURLToPath(new URL('./pipeline-child.ts', import.meta.url))

/** A process that runs the pipeline. */
export class Pipeline {
  /** Whether it was in the middle of a transaction when it was last heard of. */
  open = false
  /** Transactions. */
  committed = 0
  /** All that it did: began, sent, committed. */
  steps = 0
  readonly failures: string[] = []
  stderr = ''
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>

  constructor(order: PipelineOrder) {
    this.#child = spawn(process.execPath, [CHILD, JSON.stringify(order)], { stdio: 'pipe' })
    this.#child.stdin!.on('error', () => {})
    this.#child.stderr!.on('data', (text) => {
      this.stderr = `${this.stderr}${text}`.slice(-4_000)
    })
    const lines = createInterface({ input: this.#child.stdout! })
    lines.on('line', (line) => {
      this.open = line === 'begun' || line === 'sent'
      if (line.startsWith('failed')) this.failures.push(line)
      else this.steps++
      if (line === 'committed') this.committed++
    })
    this.#exited = Promise.all([once(this.#child, 'exit'), once(lines, 'close')])
  }

  /** `kill -9`; resolves when it is gone and all that it said has been heard. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}
