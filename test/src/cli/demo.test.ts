import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { demoResult } from '../../support/expect-demo.ts'
import { millrace, ok, Running, temporaryDirectory } from './support/cli.ts'

const leftovers = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('millrace-demo-'))

test('a killed process loses nothing, and doubles only what lies after its checkpoint', {
  timeout: 60_000,
}, async () => {
  const before = leftovers()
  const { twice } = await demoResult()
  expect(twice).toBeGreaterThan(0)
  expect(twice).toBeLessThan(300)
  expect(leftovers()).toEqual(before)
})

test('on an address it removes what it made, and draws in 80 columns', { timeout: 60_000 }, async () => {
  const backend = `log:${temporaryDirectory()}`
  const { code, stdout, stderr } = await millrace(['demo', backend])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/what it makes is deleted at the end/)
  expect(stdout).toMatch(/processed +1,707 of 1,707 events in .*: nothing lost/)
  expect(stdout).toMatch(/twice +\d+ events, all after the last checkpoint/)
  expect(stdout).toMatch(/Sunday 4 February, UTC: 301 events/)
  expect(stdout).toMatch(/All promises held, in [\d.]+ s\.\n$/)
  const drawing = stdout.slice(stdout.indexOf('\n\n'), stdout.indexOf('All promises'))
  for (const line of drawing.slice(drawing.indexOf('UTC')).split('\n'))
    expect(line.length).toBeLessThanOrEqual(80)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the point
  expect(stdout).not.toMatch(/\x1b/)
  expect(await ok(['topics', 'list', backend])).toBe('')
  expect(await ok(['groups', 'list', backend])).toBe('')
})

test('Ctrl-C leaves nothing behind', { timeout: 60_000 }, async () => {
  const before = leftovers()
  const running = new Running(['demo'])
  await running.lines(6)
  const members = childrenOf(running.child.pid!)
  running.child.kill('SIGINT')
  expect(await running.finished).toMatchObject({ code: 130 })
  expect(leftovers()).toEqual(before)
  for (const pid of members) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
})

test('a backend of one process is refused', async () => {
  expect(await millrace(['demo', 'memory:'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^millrace: UNSUPPORTED: /),
  })
})

function childrenOf(pid: number): number[] {
  if (process.platform !== 'linux') return []
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((each) => parentOf(each) === pid)
}

function parentOf(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
  } catch {
    return undefined
  }
}
