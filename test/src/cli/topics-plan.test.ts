import { expect, test } from 'vitest'
import { freshTopic, manyLines, millrace, ok } from './support/cli.ts'

test('a plan for a load that is given', async () => {
  const load = ['--rate', '12000', '--record-bytes', '400B', '--readers', '3', '--headroom', '0']
  const text = await ok(['topics', 'plan', ...load])
  expect(text).toMatch(/^planned for 12,000 records\/s of 400 B, 4\.8 MB\/s, 3 readers\n\n/)
  expect(text).toMatch(/\nwrite, records alone +12 +1,000 records\/s a shard\n/)
  expect(text).toMatch(/\nwrite, aggregate=true +5 +1 MB\/s a shard\n/)
  expect(text).toMatch(/\nread, polling +7 +2 MiB\/s a shard for all readers; each may ask every 600 ms\n/)
  expect(text).toMatch(/\nread, fan-out +3 +2 MiB\/s a shard for each of 3 consumers\n/)
  expect(text).toMatch(/\nKafka: 1 partition .* brokers take 14 MB\/s and give 24 MB\/s, 1\.2 TB a day/)
  const json = JSON.parse(await ok(['topics', 'plan', ...load, '--json']))
  expect(json.kinesis.writing).toEqual({ shards: 12, limit: 'records' })
})

test('a plan for the load that a topic has', async () => {
  const address = await freshTopic(4)
  await ok(['produce', address], manyLines(3_000, 100))
  const text = await ok(['topics', 'plan', address, '--window', '1m'])
  expect(text).toMatch(/^orders: 4 open partitions, 3,000 records of the last 1 min 0 s read\n/)
  expect(text).toMatch(/written: 50 records\/s, /)
  expect(text).toMatch(/PARTITION +OF KEYS +OF LOAD +RECORDS\/S +PEAK +PEAK SIZE +HOT KEY\n +0 +25\.0 %/)
  const { measured, hot, load } = JSON.parse(
    await ok(['topics', 'plan', address, '--json', '--readers', '7']),
  )
  expect(measured.records).toBe(3_000)
  expect(load.readers).toBe(7)
  expect(Array.isArray(hot)).toBe(true)
})

test.each([
  [['topics', 'plan'], 2, /USAGE: give a topic to measure, or --rate and --record-bytes/],
  [['topics', 'plan', '--rate', '5'], 2, /USAGE: give a topic/],
  [['topics', 'plan', '--headroom', 'much'], 2, /"much" is no percentage: write 20 or 20%/],
  [['topics', 'plan', 'memory:a'], 1, /NOT_FOUND: /],
  [['topics', 'scale', 'memory:a'], 2, /required option '--partitions <n>' not specified/],
  [['topics', 'scale', 'memory:a', '--partitions', '2'], 1, /NOT_FOUND: /],
])('millrace %j says what is wrong', async (args, code, message) => {
  const result = await millrace(args)
  expect(result).toMatchObject({ code, stdout: '' })
  expect(result.stderr).toMatch(message)
})

test('a topic is scaled up and down', async () => {
  const address = await freshTopic(2)
  await ok(['produce', address], manyLines(100))
  const scale = (partitions: number, ...more: string[]) =>
    ok(['topics', 'scale', address, '--partitions', String(partitions), ...more])
  expect(await scale(5)).toBe('orders has 5 open partitions, 2 before\n')
  expect(await scale(3)).toBe('orders has 3 open partitions, 5 before\n')
  expect(await scale(3)).toBe('orders has 3 open partitions, as before\n')
  expect(JSON.parse(await scale(1, '--json'))).toEqual({ before: 3, after: 1 })
  expect((await ok(['consume', address, '--until', 'now'])).trim().split('\n')).toHaveLength(100)
})
