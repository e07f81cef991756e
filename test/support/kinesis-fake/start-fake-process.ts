import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { KinesisFakeOptions } from './options.ts'

export interface FakeProcess {
  readonly endpoint: string
  readonly pid: number
  /** What `POST /fake/NAME` gives. */
  control(name: string, input?: object): Promise<unknown>
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** A fake as a process of its own: for measurements, and for tests that several processes share or that end it by `kill -9`. */
export async function startFakeProcess(options: KinesisFakeOptions = {}): Promise<FakeProcess> {
  const main = path.join(import.meta.dirname, 'main.ts')
  const child = spawn(process.execPath, [main, '--child', '--options', JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  const [endpoint] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    gone.then(([code]) => {
      throw new Error(`the fake ended with code ${code} before it was up`)
    }),
  ])) as [string]
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
  }
  return {
    endpoint,
    pid: child.pid!,
    async control(name, input = {}) {
      const answer = await fetch(`${endpoint}/fake/${name}`, { method: 'POST', body: JSON.stringify(input) })
      if (!answer.ok) throw new Error(await answer.text())
      return answer.json()
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
