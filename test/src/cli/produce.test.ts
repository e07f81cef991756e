import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { freshTopic, jsonLines, manyLines, millrace, ok, Running, temporaryDirectory } from './support/cli.ts'

interface Line {
  readonly key: string
  readonly value: { readonly n: number }
  readonly partition: string
  readonly position: string
}

const consumed = async (address: string): Promise<Line[]> =>
  jsonLines<Line>(await ok(['consume', address, '--until', 'now']))

test('a file of values, keyed by a path', async () => {
  const address = await freshTopic()
  const file = `${temporaryDirectory()}/orders.jsonl`
  writeFileSync(
    file,
    '{"customer":{"id":"c1"},"at":"2018-01-31"}\n{"customer":{"id":"c2"},"at":"2018-02-01"}\n',
  )
  const printed = await ok(['produce', address, file, '--key', 'customer.id', '--timestamp', 'at'])
  expect(printed).toMatch(/^produced 2 records to log:.*\/orders in .*, one a line as plain values\n$/)
  const lines = jsonLines<{ key: string; timestamp: number }>(
    await ok(['consume', address, '--until', 'now']),
  )
  expect(lines.map(({ key, timestamp }) => [key, timestamp]).sort()).toEqual([
    ['c1', Date.UTC(2018, 0, 31)],
    ['c2', Date.UTC(2018, 1, 1)],
  ])
})

test('--json prints each position in the order of the lines', async () => {
  const address = await freshTopic()
  const printed = jsonLines<{ line: number; partition: string; position: string }>(
    await ok(['produce', address, '--json'], `\n${manyLines(2_500)}`),
  )
  expect(printed.map(({ line }) => line)).toEqual(Array.from({ length: 2_500 }, (_, n) => n + 2))
  const stands = new Map(
    (await consumed(address)).map((each) => [`${each.partition}@${each.position}`, each.value.n]),
  )
  expect(printed.map(({ partition, position }) => stands.get(`${partition}@${position}`))).toEqual(
    Array.from({ length: 2_500 }, (_, n) => n),
  )
})

test('what consume prints, produce takes back byte for byte', async () => {
  const address = await freshTopic(1)
  const odd = [
    '{"key":"a","value":{"n": 1.0, "big":12345678901234567890},"headers":{"h":"x"},"timestamp":1,"partition":"0","position":"0"}',
    '{"key":null,"value":null,"timestamp":2,"partition":"0","position":"1"}',
    '{"key":"","tombstone":true,"timestamp":3,"partition":"0","position":"2"}',
    '{"key":"/w==","keyEncoding":"base64","value":"no JSON\\n","valueEncoding":"text","headers":[{"name":"h","value":"/w==","encoding":"base64"},{"name":"h","value":null}],"timestamp":4,"partition":"0","position":"3"}',
    '',
  ].join('\n')
  await ok(['produce', address], odd)
  expect(await ok(['consume', address, '--until', 'now'])).toBe(odd)
})

test('lines keep their partitions when told to', async () => {
  const address = await freshTopic(3)
  await ok(
    ['produce', address, '--keep-partitions'],
    '{"key":"a","value":1,"partition":"2"}\n{"key":"a","value":2,"partition":"0"}\n',
  )
  expect((await consumed(address)).map(({ partition }) => partition).sort()).toEqual(['0', '2'])
  const wrong = await millrace(['produce', address, '--keep-partitions'], '{"value":1,"partition":"7"}\n')
  expect(wrong.code).toBe(1)
  expect(wrong.stderr).toMatch(/partition.*7/)
})

describe('bad input', () => {
  test('stops at the line, keeps what was before, and goes on after it', async () => {
    const address = await freshTopic()
    const lines = manyLines(2_000).split('\n')
    const broken = [...lines.slice(0, 1_499), '{"value":', ...lines.slice(1_499)].join('\n')
    const { code, stdout, stderr } = await millrace(['produce', address, '--json'], broken)
    expect(code).toBe(1)
    expect(jsonLines(stdout)).toHaveLength(1_499)
    expect(stderr).toBe(
      'millrace: sent 1,499 records, to line 1499. To go on: --skip-lines 1499\n' +
        'millrace: INVALID_ARGUMENT: line 1500: not JSON: Unexpected end of JSON input. Correct the line, or drop it.\n',
    )
    await ok(['produce', address, '--skip-lines', '1500'], broken)
    expect((await consumed(address)).map(({ value }) => value.n).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 2_000 }, (_, n) => n),
    )
  })

  test.each([
    ['[1]\n{"value":1}\n', [], /line 2: looks like a record, but the first line was a plain value/],
    ['{"value":1}\n[1]\n', [], /line 2: not a record/],
    ['{"value":1}\n{"valeu":1}\n', [], /line 2: "valeu" is no member of a record/],
    ['{"id":1}\n{"di":1}\n', ['--key', 'id'], /line 2: the value has no "id" to take for the key/],
    [Buffer.from([0x31, 0x0a, 0xff, 0x0a]), [], /line 2: not UTF-8/],
    [`1\n"${'x'.repeat(8_000_000)}"\n`, [], /RECORD_TOO_LARGE: line 2: longer than \d+ bytes/],
    [
      `1\n"${'x'.repeat(1_100_000)}"\n`,
      [],
      /RECORD_TOO_LARGE: line 2: a record of 1100002 bytes, where the topic takes 1048576/,
    ],
  ])('is named by its line: %#', async (input, args, message) => {
    const address = await freshTopic(1)
    const { code, stderr } = await millrace(['produce', address, ...args], input)
    expect(code).toBe(1)
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/sent 1 record, to line 1\. To go on: --skip-lines 1/)
  })

  test('a file or a topic that is not there, a directory', async () => {
    const address = await freshTopic(1)
    const directory = temporaryDirectory()
    for (const [args, message] of [
      [['produce', address, `${directory}/none.jsonl`], /NOT_FOUND: cannot read .*none.jsonl/],
      [['produce', address, directory], /INVALID_ARGUMENT: cannot read .*it is a directory/],
      [['produce', `${address}x`], /NOT_FOUND: .*ordersx/],
      [['produce', `log:${directory}/none/orders`], /NOT_FOUND: there is no log in/],
    ] as const) {
      const { code, stderr } = await millrace(args)
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) })
    }
  })

  test.skipIf(process.getuid?.() !== 0)('a directory that may not be written', async () => {
    const directory = `${temporaryDirectory()}/log`
    mkdirSync(directory)
    for (let place = directory; place !== '/tmp'; place = place.slice(0, place.lastIndexOf('/')))
      chmodSync(place, 0o755)
    const running = new Running(['topics', 'create', `log:${directory}/orders`], { uid: 65_534 })
    expect(await running.finished).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/PERMISSION_DENIED/),
    })
  })
})

test('a pipe of any size takes bounded memory', { timeout: 120_000 }, async () => {
  const address = await freshTopic()
  const running = new Running(['produce', address], { nodeArgs: ['--max-old-space-size=64'] })
  const part = Buffer.from(manyLines(1_000, 1_000))
  let peak = 0
  for (let i = 0; i < 300; i++) {
    if (!running.child.stdin!.write(part))
      await new Promise((resolve) => running.child.stdin!.once('drain', resolve))
    peak = Math.max(peak, peakMemory(running.child.pid!))
  }
  running.child.stdin!.end()
  const { code, stdout } = await running.finished
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^produced 300,000 records/) })
  expect(peak).toBeLessThan(400)
})

/** Largest resident size so far, MiB; 0 where the system does not tell. */
function peakMemory(pid: number): number {
  if (process.platform !== 'linux') return 0
  const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1] ?? 0) / 1024
}

test('Ctrl-C sends what was read and says where to go on', async () => {
  const address = await freshTopic()
  const running = new Running(['produce', address, '--json'])
  const lines = manyLines(30_000)
  running.child.stdin!.write(lines)
  await running.lines(5_000)
  running.child.kill('SIGINT')
  const { code, stdout, stderr } = await running.finished
  expect(code).toBe(130)
  const sent = jsonLines(stdout).length
  expect(stderr).toMatch(/^millrace: sent [\d,]+ records, to line \d+. To go on: --skip-lines \d+\n$/)
  expect(Number(/--skip-lines (\d+)/.exec(stderr)![1])).toBe(sent)
  await ok(['produce', address, '--skip-lines', String(sent)], lines)
  expect((await consumed(address)).map(({ value }) => value.n).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 30_000 }, (_, n) => n),
  )
})
