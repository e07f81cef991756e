import { expect, inject, test } from 'vitest'
import { ok } from '../../../src/cli/support/cli.ts'
import { sharedLocalstack } from '../../../support/localstack/shared-localstack.ts'

test.runIf(inject('docker'))('the demo kills a member and loses nothing', { timeout: 240_000 }, async () => {
  process.env.AWS_ACCESS_KEY_ID = 'test'
  process.env.AWS_SECRET_ACCESS_KEY = 'test'
  const backend = `kinesis://us-east-1?endpoint=${await sharedLocalstack()}&aggregate=true`
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
})
