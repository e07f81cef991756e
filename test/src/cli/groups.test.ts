import { expect, test } from 'vitest'
import { backendOf, freshTopic, jsonLines, manyLines, millrace, ok, Running } from './support/cli.ts'

async function consumedGroup(): Promise<{ address: string; backend: string }> {
  const address = await freshTopic(2)
  await ok(['produce', address], manyLines(100))
  await ok(['consume', address, '--group', 'billing', '--until', 'now'])
  return { address, backend: backendOf(address) }
}

test('list, describe and lag', async () => {
  const { address, backend } = await consumedGroup()
  await ok(['produce', address], manyLines(10))
  expect(await ok(['groups', 'list', backend])).toBe('billing\n')
  expect(JSON.parse(await ok(['groups', 'list', backend, '--json']))).toEqual(['billing'])
  expect(await ok(['groups', 'describe', backend, 'billing'])).toMatch(
    /^billing: empty, 0 members\n\nTOPIC +PARTITION +POSITION +LAG +OWNER\norders +0 +\d+ +\d+ +-\norders +1/,
  )
  const described = JSON.parse(await ok(['groups', 'describe', backend, 'billing', '--json']))
  expect(described).toMatchObject({ group: 'billing', state: 'empty', members: [] })
  expect(described.partitions).toHaveLength(2)
  expect(await ok(['groups', 'lag', backend, 'billing'])).toMatch(/^TOPIC +RECORDS +TIME\norders +10 /)
  expect(JSON.parse(await ok(['groups', 'lag', backend, 'billing', '--json']))).toMatchObject([
    { topic: 'orders', records: 10 },
  ])
})

test('seek moves a group, all of it or one partition', async () => {
  const { address, backend } = await consumedGroup()
  const lag = async (): Promise<number> =>
    JSON.parse(await ok(['groups', 'lag', backend, 'billing', '--json']))[0].records
  expect(await ok(['groups', 'seek', address, 'billing', '--to', 'earliest'])).toMatch(
    /^moved billing in log:/,
  )
  expect(await lag()).toBe(100)
  await ok(['groups', 'seek', address, 'billing', '--to', 'latest'])
  expect(await lag()).toBe(0)
  const first = jsonLines<{ position: string }>(
    await ok(['consume', address, '--partition', '0', '--max', '1']),
  )[0]!
  await ok(['groups', 'seek', address, 'billing', '--to', `@${first.position}+`, '--partition', '0'])
  const records = jsonLines(await ok(['consume', address, '--partition', '0', '--until', 'now'])).length
  expect(await lag()).toBe(records - 1)
})

test('seek and delete are refused while members are live', async () => {
  const { address, backend } = await consumedGroup()
  const member = new Running(['consume', address, '--group', 'billing'])
  await ok(['produce', address], manyLines(10))
  await member.lines(10)
  for (const args of [
    ['groups', 'seek', address, 'billing', '--to', 'earliest'],
    ['groups', 'delete', backend, 'billing'],
  ]) {
    expect(await millrace(args)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^millrace: FENCED: /),
    })
  }
  expect(await ok(['groups', 'describe', backend, 'billing'])).toMatch(
    /^billing: stable, 1 member\n\nMEMBER +CLIENT +PARTITIONS\n.*orders: 0, 1\n/,
  )
  member.child.kill('SIGINT')
  await member.finished
  expect(await ok(['groups', 'delete', backend, 'billing'])).toBe('deleted billing\n')
  expect(await ok(['groups', 'list', backend])).toBe('')
})

test('what is not there, and what is no place', async () => {
  const { address, backend } = await consumedGroup()
  const cases: [string[], number, RegExp][] = [
    [['groups', 'describe', backend, 'nope'], 1, /NOT_FOUND: .*nope/],
    [['groups', 'lag', backend, 'nope'], 1, /NOT_FOUND: .*nope/],
    [['groups', 'delete', backend, 'nope'], 1, /NOT_FOUND: .*nope/],
    [['groups', 'seek', `${address}x`, 'billing', '--to', 'earliest'], 1, /NOT_FOUND: .*ordersx/],
    [['groups', 'seek', address, 'billing'], 2, /required option '--to <place>'/],
    [['groups', 'seek', address, 'billing', '--to', 'x'], 2, /"x" is no place in a stream/],
    [['groups', 'seek', address, 'billing', '--to', '@1'], 2, /add --partition/],
    [['groups', 'seek', address, 'billing', '--to', '@1', '--partition', '7'], 1, /has no partition "7"/],
    [['groups', 'seek', address, 'billing', '--to', '@999', '--partition', '0'], 1, /beyond the end/],
    [['groups', 'seek', address, 'billing', '--to', '@x', '--partition', '0'], 1, /"x" is no position/],
  ]
  for (const [args, code, message] of cases) {
    const result = await millrace(args)
    expect({ code: result.code, stderr: result.stderr }).toEqual({
      code,
      stderr: expect.stringMatching(message),
    })
  }
})
