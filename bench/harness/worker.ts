import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Answer, Request } from './child.ts'
import type { Contender, Round, Shape } from './contender.ts'

export interface WorkerOptions {
  /** Where the folder is made. Default: the system's for temporary files. */
  readonly base?: string
  /** CPU profiles go there, one a process. */
  readonly profile?: string
}

const CHILD = path.join(import.meta.dirname, 'child.ts')
/** kafkajs 2 gives Node 24 timers that it warns of. */
const QUIET = '--disable-warning=TimeoutNegativeWarning'

/** A contender in a process and a folder of its own, so that memory, CPU and compiled code are its own too. */
export class Worker {
  readonly contender: Contender
  private readonly child: ChildProcess
  private readonly folder: string
  private exited = false

  private constructor(contender: Contender, options: WorkerOptions) {
    this.contender = contender
    this.folder = mkdtempSync(path.join(options.base ?? os.tmpdir(), 'millrace-bench-'))
    const profiling = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`]
    this.child = fork(CHILD, [], {
      execArgv: ['--expose-gc', QUIET, ...profiling],
      serialization: 'advanced',
    })
    this.child.once('exit', () => {
      this.exited = true
    })
  }

  static async start(contender: Contender, shape: Shape, options: WorkerOptions = {}): Promise<Worker> {
    const worker = new Worker(contender, options)
    const task = { ...shape, folder: worker.folder, settings: contender.settings ?? {} }
    try {
      await worker.ask({ kind: 'open', contender, task })
    } catch (error) {
      await worker.kill()
      throw error
    }
    return worker
  }

  async round(records: number): Promise<Round> {
    const answer = await this.ask({ kind: 'round', records })
    return answer.round
  }

  /** Resolves with the most memory that the process ever had. */
  async close(): Promise<number> {
    const { peakRssMiB } = await this.ask({ kind: 'close' })
    await this.ended()
    rmSync(this.folder, { recursive: true, force: true })
    return peakRssMiB
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.ended()
    rmSync(this.folder, { recursive: true, force: true })
  }

  private ask<K extends Request['kind']>(request: Request & { kind: K }): Promise<Answer & { kind: K }> {
    const { name } = this.contender
    return new Promise((resolve, reject) => {
      if (this.exited) return reject(new Error(`"${name}" has ended before it was asked to ${request.kind}`))
      const settle = (answer: Answer): void => {
        this.child.off('exit', onExit)
        if (answer.kind === 'failed')
          reject(new Error(`"${name}" failed to ${request.kind}: ${answer.message}`))
        else resolve(answer as Answer & { kind: K })
      }
      const onExit = (code: number | null, signal: string | null): void => {
        this.child.off('message', settle)
        reject(new Error(`"${name}" ended with ${signal ?? code} when asked to ${request.kind}`))
      }
      this.child.once('message', settle)
      this.child.once('exit', onExit)
      this.child.send(request)
    })
  }

  /** What does not end by itself soon is ended. */
  private ended(): Promise<void> {
    if (this.exited) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.child.kill('SIGKILL'), 5_000)
      this.child.once('exit', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}
