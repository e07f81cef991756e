import { expect } from 'vitest'
import { ok } from '../src/cli/support/cli.ts'

/** What `demo --json` says: a member was killed, and all events were processed in order. */
export async function demoResult(...args: string[]): Promise<{ readonly twice: number }> {
  const result = JSON.parse(await ok(['demo', ...args, '--json']))
  expect(result).toMatchObject({
    sent: 1_707,
    processed: 1_707,
    lost: [],
    forbidden: [],
    inversions: [],
    replayed: 301,
    expected: 301,
  })
  expect(result.killed.after).toBeGreaterThanOrEqual(200)
  return result
}

/** Runs the demo on that address, and nothing is left behind. */
export async function expectDemo(backend: string): Promise<void> {
  await demoResult(backend)
  const names = JSON.parse(await ok(['topics', 'list', backend, '--json'])) as string[]
  expect(names.filter((name) => name.startsWith('millrace-demo-'))).toEqual([])
}
