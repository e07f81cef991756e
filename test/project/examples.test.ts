import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')

test('examples/billing.ts bills each order once, per customer in order', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['examples/billing.ts'], {
    cwd: root,
    env: { ...process.env, STREAMS: 'memory:' },
  })
  const lines = stdout.trim().split('\n')
  expect(lines.toSorted()).toEqual(['ada owes 14.40', 'ada owes 8.40', 'bob owes 36.00'])
  expect(lines.filter((line) => line.startsWith('ada'))).toEqual(['ada owes 14.40', 'ada owes 8.40'])
})
