import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const main = fileURLToPath(new URL('../../../../src/cli/main.ts', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A run of the command line that is under way. */
export class Running {
  stdout = ''
  stderr = ''
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
  private readonly listeners = new Set<() => void>()

  constructor(
    args: readonly string[],
    { nodeArgs = [], uid }: { nodeArgs?: readonly string[]; uid?: number } = {},
  ) {
    this.child = spawn(process.execPath, [...nodeArgs, main, ...args], {
      stdio: 'pipe',
      ...(uid !== undefined && { uid }),
    })
    this.child.stdin!.on('error', () => {})
    this.child.stdout!.setEncoding('utf8').on('data', (text) => {
      this.stdout += text
      for (const listener of this.listeners) listener()
    })
    this.child.stderr!.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    this.finished = once(this.child, 'close').then(([code, signal]) => {
      for (const listener of this.listeners) listener()
      return { code, signal, stdout: this.stdout, stderr: this.stderr }
    })
    onTestFinished(async () => {
      this.child.kill('SIGKILL')
      await this.finished // before its directory is removed
    })
  }

  /** Resolves when so many lines were printed, or it ended. */
  async lines(count: number): Promise<void> {
    const enough = (): boolean => this.stdout.split('\n').length > count || this.child.exitCode !== null
    while (!enough()) {
      await new Promise<void>((resolve) => {
        const listener = (): void => {
          this.listeners.delete(listener)
          resolve()
        }
        this.listeners.add(listener)
      })
    }
  }
}

/** Runs a command to its end. */
export async function millrace(args: readonly string[], input: string | Uint8Array = ''): Promise<Finished> {
  const running = new Running(args)
  running.child.stdin!.end(input)
  return await running.finished
}

/** Runs a command that must succeed; gives what it printed. */
export async function ok(args: readonly string[], input?: string | Uint8Array): Promise<string> {
  const { code, stdout, stderr } = await millrace(args, input)
  if (code !== 0) throw new Error(`millrace ${args.join(' ')} ended with ${code}: ${stderr}`)
  return stdout
}

/** A directory of its own for one test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))
  return directory
}

/** A fresh log with one topic; its address. */
export async function freshTopic(partitions = 3, name = 'orders'): Promise<string> {
  const address = `log:${temporaryDirectory()}/${name}`
  await ok(['topics', 'create', address, '--partitions', String(partitions)])
  return address
}

export function jsonLines<T = Record<string, unknown>>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

/** So many records with keys k0 … k9, whose values count up. */
export function manyLines(count: number, padding = 0): string {
  const pad = 'x'.repeat(padding)
  return Array.from(
    { length: count },
    (_, n) => `{"key":"k${n % 10}","value":{"n":${n},"pad":"${pad}"}}\n`,
  ).join('')
}

export const backendOf = (address: string): string => address.slice(0, address.lastIndexOf('/'))
