import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { CreateStreamCommand, ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { expect, test } from 'vitest'
import { eventually } from '../../../conformance/eventually.ts'
import { startFakeProcess } from '../start-fake-process.ts'
import { clientOf } from './clients.ts'

// Puts records one by one until it is killed.
const writer = `
  import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis'
  const [endpoint] = process.argv.slice(1)
  const client = new KinesisClient({ endpoint, region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' } })
  for (let i = 0; ; i++) {
    await client.send(new PutRecordCommand({ StreamName: 's', PartitionKey: 'k', Data: Buffer.from(String(i)) }))
  }`

test('a fake of its own serves several processes, outlives one that is killed, and is controlled from outside', async () => {
  await using fake = await startFakeProcess({ settleMs: 0, limits: 'off' })
  const client = clientOf(fake.endpoint)
  await client.send(new CreateStreamCommand({ StreamName: 's', ShardCount: 1 }))
  const count = async () =>
    ((await fake.control('calls')) as Record<string, Record<string, number>>).PutRecord?.[''] ?? 0
  const children = [1, 2].map(() =>
    spawn(process.execPath, ['--input-type=module', '-e', writer, fake.endpoint], {
      stdio: ['ignore', 'ignore', 'inherit'],
    }),
  )
  const ends = children.map((child) => once(child, 'exit'))
  try {
    await eventually(async () => (await count()) > 20, { withinMs: 20_000 })
    children[0]!.kill('SIGKILL')
    await ends[0]
    const before = await count()
    await eventually(async () => (await count()) > before + 20, { withinMs: 20_000 })
  } finally {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(ends)
  }

  await fake.control('add-fault', { on: 'ListStreams', effect: { kind: 'error', code: 'InternalFailure' } })
  await expect(client.send(new ListStreamsCommand({}))).rejects.toMatchObject({ name: 'InternalFailure' })
  expect(await fake.control('hits')).toEqual([1])
  await fake.control('reset-calls')
  expect(await count()).toBe(0)
  await expect(fake.control('nothing')).rejects.toThrow('there are add-fault')
  client.destroy()
})
