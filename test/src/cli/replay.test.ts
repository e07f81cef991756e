import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  backendOf,
  freshTopic,
  jsonLines,
  manyLines,
  millrace,
  ok,
  Running,
  temporaryDirectory,
} from './support/cli.ts'

interface Line {
  readonly key: string | null
  readonly value: { readonly n: number }
  readonly timestamp: number
}

const consume = (address: string, ...args: string[]): Promise<string> =>
  ok(['consume', address, '--until', 'now', ...args])
const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)
const sorted = (text: string): number[] =>
  jsonLines<Line>(text)
    .map(({ value }) => value.n)
    .sort((a, b) => a - b)

async function secondTopic(address: string, name: string, partitions = 3): Promise<string> {
  const other = `${backendOf(address)}/${name}`
  await ok(['topics', 'create', other, '--partitions', String(partitions)])
  return other
}

/** Each key's values, in the order read. */
function byKey(text: string): Record<string, number[]> {
  const keys: Record<string, number[]> = {}
  for (const { key, value } of jsonLines<Line>(text)) (keys[key ?? ''] ??= []).push(value.n)
  return keys
}

/** What records are, without where they stand. */
function contents(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/,"partition":.*$/, ''))
    .sort()
}

const ODD = [
  '{"key":"a","value":{"n": 1.0, "big":12345678901234567890},"headers":{"h":"x"},"timestamp":1}',
  '{"key":null,"value":null,"timestamp":2}',
  '{"key":"","tombstone":true,"timestamp":3}',
  '{"key":"/w==","keyEncoding":"base64","value":"no JSON","valueEncoding":"text","headers":[{"name":"h","value":null},{"name":"h","value":"/w==","encoding":"base64"}],"timestamp":4}',
  '',
].join('\n')

test('from topic to topic, byte for byte, in order per key, with other partitions', async () => {
  const from = await freshTopic(3)
  await ok(['produce', from, '--records'], ODD + manyLines(3_000))
  const to = await secondTopic(from, 'copy', 5)
  expect(await ok(['replay', from, to])).toMatch(/^replayed 3,004 records \([\d.]+ kB\) in .*\n$/)
  const [source, copy] = [await consume(from), await consume(to)]
  expect(contents(copy)).toEqual(contents(source))
  const odd = (text: string): string =>
    text
      .split('\n')
      .filter((line) => line.includes('"n":') && !line.includes('big'))
      .join('\n')
  expect(byKey(odd(copy))).toEqual(byKey(odd(source)))
})

test('to another log, partitions kept', async () => {
  const from = await freshTopic(3)
  await ok(['produce', from], '{"value":{"n":1}}\n{"value":{"n":2}}\n{"value":{"n":3}}\n{"value":{"n":4}}\n')
  const to = await freshTopic(3)
  await ok(['replay', from, to, '--keep-partitions'])
  const places = async (address: string): Promise<string[]> => (await consume(address)).split('\n').sort()
  expect(await places(to)).toEqual(await places(from))
})

test('to JSON Lines and back, by file and by pipe', async () => {
  const from = await freshTopic(3)
  await ok(['produce', from, '--records'], ODD + manyLines(500))
  const file = `${temporaryDirectory()}/orders.jsonl`
  await ok(['replay', from, file])
  const { stdout, stderr } = await millrace(['replay', from, '-'])
  expect(stdout).toBe(readFileSync(file, 'utf8'))
  expect(stderr).toMatch(/^replayed 504 records/)
  const times = jsonLines<Line>(stdout).map(({ timestamp }) => timestamp)
  expect(times).toEqual([...times].sort((a, b) => a - b))
  for (const [source, input] of [
    [file, ''],
    ['-', stdout],
  ] as const) {
    const to = await freshTopic(3)
    await ok(['replay', source, to], input)
    expect(contents(await consume(to))).toEqual(contents(await consume(from)))
  }
  const again = await millrace(['replay', from, file])
  expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(/ALREADY_EXISTS: .*--overwrite/) })
  await ok(['replay', from, file, '--overwrite'])
})

test('a part: by time, by position, by key', async () => {
  const from = await freshTopic(1)
  const lines = upTo(60).map(
    (n) => `{"key":"k${n % 3}","value":{"n":${n}},"timestamp":${Date.UTC(2026, 0, 1, 0, n)}}\n`,
  )
  await ok(['produce', from], lines.join(''))
  const replayed = async (...args: string[]): Promise<number[]> =>
    sorted((await millrace(['replay', from, '-', ...args])).stdout)
  expect(await replayed('--from', '2026-01-01T00:10Z', '--until', '2026-01-01T00:13Z')).toEqual([10, 11, 12])
  expect(await replayed('--partition', '0', '--from', '@57')).toEqual([57, 58, 59])
  expect(await replayed('--partition', '0', '--until', '@2+')).toEqual([0, 1, 2])
  expect(await replayed('--from', '0=@58+')).toEqual([59])
  expect(await replayed('--key', 'k1', '--until', '2026-01-01T00:06Z')).toEqual([1, 4])
})

test('--dry-run counts, estimates and sends nothing', async () => {
  const from = await freshTopic(2)
  const lines = upTo(61).map(
    (n) => `{"key":"k${n % 3}","value":${n},"timestamp":${Date.UTC(2026, 0, 1, 0, n)}}\n`,
  )
  await ok(['produce', from], lines.join(''))
  const to = await secondTopic(from, 'copy')
  expect(await ok(['replay', from, to, '--dry-run', '--speed', '10x'])).toBe(
    'would replay 61 records (234 B)\n' +
      'from 2026-01-01T00:00:00.000Z to 2026-01-01T01:00:00.000Z, 1 h 0 min\n' +
      'estimate: 6 min 0 s at 10x\n',
  )
  expect(await ok(['replay', from, to, '--dry-run', '--rate', '10'])).toMatch(
    /estimate: 6.1 s at 10 records\/s\n$/,
  )
  expect(await consume(to)).toBe('')
})

test('--speed keeps the rhythm across partitions, --rate the pace', async () => {
  const from = await freshTopic(4)
  const lines = upTo(40).map(
    (n) => `{"key":"k${n % 8}","value":{"n":${n}},"timestamp":${Date.UTC(2026, 0, 1, 0, 0, n)}}\n`,
  )
  await ok(['produce', from], lines.join(''))
  const paced = new Running(['replay', from, '-', '--speed', '39x', '--json'])
  const { stdout, stderr } = await paced.finished
  expect(jsonLines<Line>(stdout).map(({ value }) => value.n)).toEqual(upTo(40))
  const { durationMs } = JSON.parse(stderr)
  expect(durationMs).toBeGreaterThan(950)
  expect(durationMs).toBeLessThan(8_000)
  const rated = JSON.parse((await millrace(['replay', from, '-', '--rate', '40', '--json'])).stderr)
  expect(rated.durationMs).toBeGreaterThan(900)
  expect(rated.durationMs).toBeLessThan(8_000)
})

describe('stopped and resumed', () => {
  test('Ctrl-C drains and saves: nothing is lost or doubled, and the end stays where it was', async () => {
    const from = await freshTopic(3)
    await ok(['produce', from], manyLines(3_000))
    const to = await secondTopic(from, 'copy')
    const state = `${temporaryDirectory()}/state.json`
    const command = ['replay', from, to, '--state', state]
    const first = new Running([...command, '--rate', '300'])
    await sentAtLeast(to, 300)
    await ok(['produce', from], '{"key":"late","value":{"n":-1}}\n')
    first.child.kill('SIGINT')
    const { code, stderr } = await first.finished
    expect(code).toBe(130)
    expect(stderr).toMatch(/stopped after [\d,]+ records. To go on: the same command, with --state/)
    const second = await millrace(command)
    expect(second.stderr).toMatch(/^millrace: going on after [\d,]+ records; none comes again\n/)
    expect(sorted(await consume(to))).toEqual(upTo(3_000))
    expect(await ok(command)).toMatch(/^complete already: 3,000 records/)
  })

  test('without a state Ctrl-C says from where', async () => {
    const from = await freshTopic(3)
    await ok(['produce', from], manyLines(3_000))
    const to = await secondTopic(from, 'copy')
    const first = new Running(['replay', from, to, '--rate', '500'])
    await sentAtLeast(to, 300)
    first.child.kill('SIGINT')
    const { code, stderr } = await first.finished
    expect(code).toBe(130)
    await ok(['replay', from, to, '--from', /--from (\S+) /.exec(stderr)![1]!])
    expect(sorted(await consume(to))).toEqual(upTo(3_000))
  })

  test('kill -9 loses nothing, and doubles no more than it says', async () => {
    const from = await freshTopic(3)
    await ok(['produce', from], manyLines(3_000))
    const to = await secondTopic(from, 'copy')
    const state = `${temporaryDirectory()}/state.json`
    const command = ['replay', from, to, '--state', state, '--state-every', '50']
    let doubled = 0
    for (const [round, reached] of [200, 700, 1_500].entries()) {
      const running = new Running([...command, '--rate', '500'])
      // The one before may have come further than it was to: this one says first where it goes on.
      if (round > 0) await until(() => running.stderr.includes('\n'))
      await sentAtLeast(to, reached)
      running.child.kill('SIGKILL')
      const { stderr } = await running.finished
      if (round > 0) {
        expect(stderr).toMatch(/; at most 50 records may come again/)
        doubled += 50
      }
    }
    doubled += 50
    await ok(command)
    const found = sorted(await consume(to))
    expect([...new Set(found)]).toEqual(upTo(3_000))
    expect(found.length - 3_000).toBeLessThanOrEqual(doubled)
    for (const values of Object.values(byKey(await consume(to)))) {
      const firsts = values.filter((value, i) => values.indexOf(value) === i)
      expect(firsts).toEqual([...firsts].sort((a, b) => a - b))
    }
  })

  test('kill -9 while writing a file doubles nothing at all', async () => {
    const from = await freshTopic(3)
    await ok(['produce', from], manyLines(3_000))
    const directory = temporaryDirectory()
    const file = `${directory}/out.jsonl`
    const command = ['replay', from, file, '--state', `${directory}/state.json`, '--state-every', '100']
    const running = new Running([...command, '--rate', '2000'])
    await until(() => existsSync(file) && readFileSync(file, 'utf8').split('\n').length > 500)
    running.child.kill('SIGKILL')
    await running.finished
    await ok(command)
    expect(sorted(readFileSync(file, 'utf8'))).toEqual(upTo(3_000))
  })

  test('kill -9 while reading a file', async () => {
    const directory = temporaryDirectory()
    const file = `${directory}/in.jsonl`
    writeFileSync(file, manyLines(3_000))
    const to = await freshTopic(3)
    const command = ['replay', file, to, '--state', `${directory}/state.json`, '--state-every', '100']
    const running = new Running([...command, '--rate', '2000'])
    await sentAtLeast(to, 500)
    running.child.kill('SIGKILL')
    await running.finished
    await ok(command)
    const found = sorted(await consume(to))
    expect([...new Set(found)]).toEqual(upTo(3_000))
    expect(found.length).toBeLessThanOrEqual(3_100)
  })

  test('a state of something else is refused', async () => {
    const from = await freshTopic(1)
    await ok(['produce', from], manyLines(3))
    const to = await secondTopic(from, 'copy')
    const state = `${temporaryDirectory()}/state.json`
    await ok(['replay', from, to, '--state', state])
    const other = await millrace(['replay', from, await secondTopic(from, 'other'), '--state', state])
    expect(other).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/INVALID_ARGUMENT: .*state of another replay: its to is .*copy/),
    })
    const options = await millrace(['replay', from, to, '--state', state, '--from', '-1h'])
    expect(options).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/state of another replay: its options/),
    })
    writeFileSync(state, 'nonsense')
    const broken = await millrace(['replay', from, to, '--state', state])
    expect(broken).toMatchObject({ code: 1, stderr: expect.stringMatching(/is no state of a replay/) })
    const nowhere = await millrace(['replay', from, to, '--state', '/nowhere/state.json'])
    expect(nowhere).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/NOT_FOUND: cannot write "\/nowhere\/state.json"/),
    })
  })
})

test('a bad line stops it, with its number', async () => {
  const to = await freshTopic(1)
  const { code, stderr } = await millrace(['replay', '-', to], '{"value":{"n":0}}\n{"id":1}\n')
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(
      /stopped after 1 record. To go on: --skip-lines 1\n.*line 2: "id" is no member of a record/,
    ),
  })
  expect(sorted(await consume(to))).toEqual([0])
})

test.skipIf(!existsSync('/dev/full'))('a full disk is said to be full', async () => {
  const from = await freshTopic(1)
  await ok(['produce', from], manyLines(3))
  const result = await millrace(['replay', from, '/dev/full', '--overwrite'])
  expect(result).toMatchObject({
    code: 1,
    stderr:
      'millrace: UNAVAILABLE: cannot write "/dev/full": the disk is full. Free some space and run it again.\n',
  })
})

test('what makes no sense is refused', async () => {
  const from = await freshTopic(2)
  const cases: [string[], number, RegExp][] = [
    [[from, from], 1, /source and target are the same/],
    [[from, `${from}x`], 1, /NOT_FOUND: .*ordersx/],
    [[`${from}x`, '-'], 1, /NOT_FOUND: .*ordersx/],
    [['none.jsonl', from], 1, /NOT_FOUND: cannot read "none.jsonl"/],
    [['a.jsonl', 'b.jsonl'], 1, /neither end is a stream/],
    [['orders', from], 2, /"orders" is no address/],
    [['foo:a/b', from], 2, /unknown scheme "foo:"/],
    [[from, '/nowhere/x.jsonl'], 1, /cannot write "\/nowhere\/x.jsonl": its directory is missing/],
    [[from, '-', '--speed', '2x', '--rate', '3'], 2, /exclude each other/],
    [[from, '-', '--speed', '0x'], 2, /"0x" is no speed: write 10x/],
    [[from, '-', '--from', '@1'], 2, /add --partition/],
    [[from, '-', '--partition', '7'], 1, /has no partition "7"/],
    [['-', from, '--from', 'earliest'], 1, /JSON Lines have no positions/],
    [[from, '-', '--skip-lines', '3'], 1, /only JSON Lines have lines/],
  ]
  for (const [args, code, message] of cases) {
    const result = await millrace(['replay', ...args])
    expect({ args, code: result.code, stderr: result.stderr }).toEqual({
      args,
      code,
      stderr: expect.stringMatching(message),
    })
  }
})

/** Polls until the topic holds so many records. */
async function sentAtLeast(address: string, count: number): Promise<void> {
  await until(async () => {
    const { partitions } = JSON.parse(await ok(['topics', 'describe', address, '--json']))
    return partitions.reduce((sum: number, { records }: { records: number }) => sum + records, 0) >= count
  })
}

async function until(reached: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    if (await reached()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('it did not come so far within 60 s')
}
