import { expect, test } from 'vitest'
import { backendOf, freshTopic, millrace, ok, temporaryDirectory } from './support/cli.ts'

test('topics are created, listed, described and deleted', async () => {
  const backend = `log:${temporaryDirectory()}/new/deep`
  expect(await ok(['topics', 'create', `${backend}/orders`, '--partitions', '2', '--retention', '7d'])).toBe(
    'created orders with 2 partitions\n',
  )
  const created = JSON.parse(await ok(['topics', 'create', `${backend}/audit`, '--compacted', '--json']))
  expect(created).toMatchObject({ name: 'audit', compacted: true, partitions: [{ id: '0', state: 'open' }] })

  expect(await ok(['topics', 'list', backend])).toBe('audit\norders\n')
  expect(JSON.parse(await ok(['topics', 'list', backend, '--json']))).toEqual(['audit', 'orders'])

  await ok(['produce', `${backend}/orders`], '{"key":"a","value":1}\n')
  const text = await ok(['topics', 'describe', `${backend}/orders`])
  expect(text).toMatch(/^orders: 2 open partitions\nkept: for 7\.0 days\n/)
  expect(text).toMatch(/PARTITION +STATE +EARLIEST +NEXT +RECORDS +SIZE\n/)
  const described = JSON.parse(await ok(['topics', 'describe', `${backend}/orders`, '--json']))
  expect(described.retentionMs).toBe(604_800_000)
  expect(
    described.partitions.reduce((sum: number, { records }: { records: number }) => sum + records, 0),
  ).toBe(1)

  expect(await ok(['topics', 'delete', `${backend}/orders`])).toBe('deleted orders\n')
  expect(await ok(['topics', 'list', backend])).toBe('audit\n')
})

test('partitions are added, split and merged, and describe shows what came from what', async () => {
  const address = await freshTopic(2)
  expect(await ok(['topics', 'add-partitions', address, '4'])).toBe('orders has 4 open partitions\n')
  const before = JSON.parse(await ok(['topics', 'describe', address, '--json'])).partitions
  const open: string[] = before
    .filter((each: { state: string }) => each.state === 'open')
    .map((each: { id: string }) => each.id)
  const split = await ok(['topics', 'split', address, open[0]!])
  expect(split).toMatch(new RegExp(`^split ${open[0]} into \\d+ and \\d+\n$`))
  const [left, right] = split.trim().split(' into ')[1]!.split(' and ')
  expect(await ok(['topics', 'merge', address, left!, right!])).toMatch(
    new RegExp(`^merged ${left} and ${right} into \\d+\n$`),
  )
  const text = await ok(['topics', 'describe', address])
  expect(text).toMatch(/orders: 4 open partitions, \d+ ended\n/)
  expect(text).toMatch(/PARENTS +CHILDREN\n/)
})

test.each([
  [['topics', 'create', 'foo:orders'], 2, /^millrace: USAGE: unknown scheme "foo:".*log:DIR/],
  [['topics', 'create', 'orders'], 2, /^millrace: USAGE: "orders" is no address/],
  [['topics', 'create', 'kafka://host:9092'], 2, /names no topic. Write kafka:\/\/host:9092\/TOPIC/],
  [
    ['topics', 'create', 'memory:a', '--partitions', '0'],
    2,
    /'--partitions <n>': "0" is no whole number of 1 or more/,
  ],
  [['topics', 'create', 'memory:a', '--retention', 'soon'], 2, /"soon" is no duration: write 500ms/],
  [['topics', 'create', 'memory:a', '--compression', 'rar'], 2, /write none, gzip, snappy, lz4, zstd/],
  [['topics', 'create', 'memory:a', '--set', 'x'], 1, /^millrace: INVALID_ARGUMENT: "x" is no setting/],
  [['topics', 'paint', 'memory:a'], 2, /^millrace: USAGE: unknown command 'paint'/],
  [['topics', 'describe', 'memory:a'], 1, /^millrace: NOT_FOUND: /],
  [['consume', 'memory:a', '--form', 'x'], 2, /unknown option '--form' \(Did you mean --from\?\)/],
])('millrace %j says what is wrong', async (args, code, message) => {
  const result = await millrace(args)
  expect(result).toMatchObject({ code, stdout: '' })
  expect(result.stderr).toMatch(message)
  expect(result.stderr.trimEnd().split('\n')).toHaveLength(1)
})

test('a topic that is there, is not there, or has no such partition', async () => {
  const address = await freshTopic(2)
  const backend = backendOf(address)
  const wrong: [string[], RegExp][] = [
    [['topics', 'create', address], /ALREADY_EXISTS: /],
    [['topics', 'delete', `${backend}/nope`], /NOT_FOUND: .*nope/],
    [['topics', 'split', address, '9'], /NOT_FOUND: topic "orders" has no partition "9". It has 0, 1\./],
    [['topics', 'list', address], /NOT_FOUND: log:.*orders is a topic, and this command wants the log/],
    [['topics', 'list', `${backend}/deep/er`], /NOT_FOUND: there is no log in .*millrace topics create/],
  ]
  for (const [args, message] of wrong) {
    const { code, stderr } = await millrace(args)
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) })
  }
})

test('help and version', async () => {
  expect(await ok(['--version'])).toMatch(/^\d+\.\d+\.\d+\n$/)
  const help = await ok(['--help'])
  for (const name of ['topics', 'produce', 'consume', 'replay', 'groups', 'demo'])
    expect(help).toContain(name)
  expect(help).not.toContain('demo-member')
})
