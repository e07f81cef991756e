import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { backendOf, freshTopic, jsonLines, manyLines, millrace, ok, Running } from './support/cli.ts'

interface Line {
  readonly value: { readonly n: number }
  readonly timestamp: number
  readonly partition: string
  readonly position: string
}

const numbers = (text: string): number[] => jsonLines<Line>(text).map(({ value }) => value.n)
const sorted = (text: string): number[] => numbers(text).sort((a, b) => a - b)
const upTo = (count: number, from = 0): number[] => Array.from({ length: count - from }, (_, n) => n + from)

/** One partition, one record a minute from midnight. */
async function timed(count: number): Promise<string> {
  const address = await freshTopic(1)
  const lines = upTo(count).map((n) => `{"value":{"n":${n}},"timestamp":${Date.UTC(2026, 0, 1, 0, n)}}\n`)
  await ok(['produce', address], lines.join(''))
  return address
}

test('from and until: positions, times, counts', async () => {
  const address = await timed(60)
  const read = async (...args: string[]): Promise<number[]> =>
    numbers(await ok(['consume', address, ...args]))
  expect(await read('--until', 'now')).toEqual(upTo(60))
  expect(await read('--max', '3')).toEqual([0, 1, 2])
  expect(await read('--from', '@57', '--until', 'now')).toEqual([57, 58, 59])
  expect(await read('--from', '@57+', '--until', 'now')).toEqual([58, 59])
  expect(await read('--until', '@2')).toEqual([0, 1])
  expect(await read('--until', '@2+')).toEqual([0, 1, 2])
  expect(await read('--from', '2026-01-01T00:10Z', '--until', '2026-01-01T00:12Z')).toEqual([10, 11])
  expect(await read('--from', '0=@58', '--until', 'now')).toEqual([58, 59])
  expect(await read('--from', 'latest', '--until', 'now')).toEqual([])
  expect(await read('--from', '-1ms', '--until', 'now')).toEqual([])
  const position = jsonLines<Line>(await ok(['consume', address, '--max', '1']))[0]!.position
  expect(await read('--from', `@${position}+`, '--max', '1')).toEqual([1])
})

test('one partition of several', async () => {
  const address = await freshTopic(3)
  await ok(['produce', address], manyLines(300))
  const lines = jsonLines<Line>(await ok(['consume', address, '--partition', '1', '--until', 'now']))
  expect(new Set(lines.map(({ partition }) => partition))).toEqual(new Set(['1']))
})

test.each([
  [['--from', 'yesterday'], 2, /"yesterday" is no place in a stream: write earliest, latest/],
  [['--from', '@'], 2, /"@" has no position/],
  [['--from', '@5'], 2, /a position belongs to one partition. Add --partition ID, or --from 0=@5/],
  [['--until', '@5'], 2, /a position belongs to one partition/],
  [['--from', '0=@1,0=@2'], 2, /is no PARTITION=START/],
  [['--max', '0'], 2, /"0" is no whole number of 1 or more/],
  [['--max', '1.5'], 2, /no whole number/],
  [['--partition', '9'], 1, /NOT_FOUND: topic "orders" has no partition "9". It has 0, 1\./],
  [['--from', '9=@1'], 1, /NOT_FOUND: topic "orders" has no partition "9"/],
  [['--from', '@abc', '--partition', '0'], 1, /INVALID_ARGUMENT: "abc" is no position/],
  [['--from', '@999', '--partition', '0'], 1, /INVALID_ARGUMENT: position 999 is beyond the end/],
  [['--group', 'g', '--partition', '0'], 2, /--partition and --group exclude each other/],
  [['--group', 'g', '--from', '@1'], 2, /use "millrace groups seek" for positions/],
  [['--group', 'g', '--until', '-1h'], 2, /--until with --group is "now"/],
])('refuses %j', async (args, code, message) => {
  const address = await freshTopic(2)
  const result = await millrace(['consume', address, ...args])
  expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) })
})

test('a reader that has enough ends it quietly', async () => {
  const address = await freshTopic()
  await ok(['produce', address], manyLines(20_000, 100))
  const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
  const script = `"${process.execPath}" "${main}" consume "${address}" | head -1; echo "\${PIPESTATUS[@]}"`
  const shell = spawn('bash', ['-c', script], { stdio: 'pipe' })
  let stdout = ''
  let stderr = ''
  shell.stdout.on('data', (text) => (stdout += text))
  shell.stderr.on('data', (text) => (stderr += text))
  await once(shell, 'close')
  expect(stdout.split('\n').slice(1)).toEqual(['0 0', ''])
  expect(stderr).toBe('')
})

describe('without a group, Ctrl-C', () => {
  test('says where to go on, and nothing is lost or doubled', async () => {
    const address = await freshTopic(3)
    await ok(['produce', address], manyLines(5_000))
    const first = new Running(['consume', address])
    await first.lines(4_000)
    first.child.kill('SIGINT')
    const { code, stdout, stderr } = await first.finished
    expect(code).toBe(130)
    const start = /To go on: --from (\S+)\n$/.exec(stderr)![1]!
    await ok(['produce', address], manyLines(100))
    const rest = await ok(['consume', address, '--from', start, '--until', 'now'])
    expect(sorted(stdout + rest)).toEqual([...upTo(100), ...upTo(5_000)].sort((a, b) => a - b))
  })

  test('knows the place of partitions that were silent', async () => {
    const address = await freshTopic(3)
    await ok(['produce', address], manyLines(50))
    const first = new Running(['consume', address, '--from', 'latest'])
    await ok(['groups', 'list', backendOf(address)]) // it has had the time to start
    const line = '{"key":"late","value":{"n":-1}}\n'
    do await ok(['produce', address], line)
    while (first.stdout === '')
    first.child.kill('SIGINT')
    const { stderr } = await first.finished
    const start = /To go on: --from (\S+)\n$/.exec(stderr)![1]!
    expect(start.split(',')).toHaveLength(3)
    expect(start).not.toMatch(/latest/)
  })
})

describe('with a group', () => {
  test('it goes on where it stopped, and --max stops exactly there', async () => {
    const address = await freshTopic(3)
    await ok(['produce', address], manyLines(500))
    const group = ['consume', address, '--group', 'g']
    const first = await ok([...group, '--max', '7'])
    expect(numbers(first)).toHaveLength(7)
    const second = await ok([...group, '--max', '100'])
    expect(numbers(second)).toHaveLength(100)
    const rest = await ok([...group, '--until', 'now'])
    expect(sorted(first + second + rest)).toEqual(upTo(500))
    expect(await ok([...group, '--until', 'now'])).toBe('')
  })

  test('--from is where a new group begins', async () => {
    const address = await timed(60)
    const from = ['--from', '2026-01-01T00:50Z', '--until', 'now']
    expect(numbers(await ok(['consume', address, '--group', 'g', ...from]))).toEqual(upTo(60, 50))
    expect(numbers(await ok(['consume', address, '--group', 'g', ...from]))).toEqual([])
  })

  test('Ctrl-C checkpoints what was printed: nothing is lost or doubled', async () => {
    const address = await freshTopic(3)
    await ok(['produce', address], manyLines(20_000))
    const first = new Running(['consume', address, '--group', 'g'])
    await first.lines(1_000)
    first.child.kill('SIGINT')
    const { code, stdout, stderr } = await first.finished
    expect(code).toBe(130)
    expect(stderr).toMatch(
      /^millrace: read [\d,]+ records, checkpointed. To go on: the same command, --group g\n$/,
    )
    const rest = await ok(['consume', address, '--group', 'g', '--until', 'now'])
    expect(sorted(stdout + rest)).toEqual(upTo(20_000))
  })

  test('kill -9 loses nothing', async () => {
    const address = await freshTopic(3)
    await ok(['produce', address], manyLines(20_000))
    const first = new Running(['consume', address, '--group', 'g'])
    await first.lines(1_000)
    first.child.kill('SIGKILL')
    const { stdout } = await first.finished
    const whole = stdout.slice(0, stdout.lastIndexOf('\n') + 1)
    const rest = await ok(['consume', address, '--group', 'g', '--until', 'now'])
    expect([...new Set(sorted(whole + rest))]).toEqual(upTo(20_000))
  })
})
