import { expect } from 'vitest'
import { ok } from '../src/cli/support/cli.ts'

/** Runs the demo on that address: a member was killed, all events were processed in order, and nothing is left behind. */
export async function expectDemo(backend: string): Promise<void> {
  const result = JSON.parse(await ok(['demo', backend, '--json']))
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
  const names = JSON.parse(await ok(['topics', 'list', backend, '--json'])) as string[]
  expect(names.filter((name) => name.startsWith('millrace-demo-'))).toEqual([])
}
