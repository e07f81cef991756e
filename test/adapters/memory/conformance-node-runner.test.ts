import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { test } from 'vitest'
import { caseIds } from '../../conformance/index.ts'

test('the suite runs under node:test', async () => {
  const chosen = caseIds.filter((id) => id.startsWith('order/') || id.startsWith('bytes/'))
  const { code, output } = await nodeTest({})
  assert.equal(code, 0, output)
  assert.match(output, new RegExp(`# pass ${chosen.length + 1}\\n`))
  assert.match(output, /# fail 0\n/)
})

test('a waiver fails the suite when its id is unknown, and when its case passes', async () => {
  const { code, output } = await nodeTest({
    'order/lanes': 'it used to fail here',
    'order/nothing': 'there is no such case',
  })
  assert.equal(code, 1)
  assert.match(output, /order\/lanes passes: remove its waiver \("it used to fail here"\)/)
  assert.match(output, /the waiver "order\/nothing" names no case/)
  assert.match(output, /# fail 2\n/)
})

async function nodeTest(waivers: Record<string, string>): Promise<{ code: number | null; output: string }> {
  const suite = fileURLToPath(new URL('../../support/node-runner-suite.ts', import.meta.url))
  const env = { ...process.env, WAIVERS: JSON.stringify(waivers) }
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap', suite], { env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const [code] = await once(child, 'close')
  return { code, output }
}
