import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A Java program that prints lines. */
export class JavaProgram implements AsyncDisposable {
  readonly lines: string[] = []
  readonly #child: ChildProcess
  readonly #exit: Promise<unknown>
  #errors = ''
  #running = true

  constructor(classPath: string, main: string, args: readonly string[]) {
    const flags = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Xmx512m', '-XX:+UseSerialGC']
    this.#child = spawn('java', [...flags, '-cp', classPath, main, ...args], { stdio: 'pipe' })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.lines.push(line))
    this.#child.stderr!.setEncoding('utf8').on('data', (text) => {
      this.#errors = (this.#errors + text).slice(-20_000)
    })
    this.#child.stdin!.on('error', () => {})
    this.#exit = once(this.#child, 'close').then(() => {
      this.#running = false
    })
  }

  get running(): boolean {
    return this.#running
  }

  /** What it last said on its standard error. */
  get errors(): string {
    return this.#errors
  }

  say(line: string): void {
    this.#child.stdin!.write(`${line}\n`)
  }

  /** Resolves when it has ended by itself. */
  async ended(): Promise<void> {
    await this.#exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exit
  }
}
