import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { openLog } from '../../../../adapters/log/index.ts'
import { eventually } from './support/eventually.ts'
import { options, temporaryFolder } from './support/open.ts'
import { TestProcess } from './support/process.ts'
import { byKey, readAll, record } from './support/records.ts'

/** Small, repeatable random numbers. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

describe('transactions over kill -9', () => {
  const rounds = process.env.MILLRACE_LONG === undefined ? 6 : 40

  // The writer is the holder, or the client of a holder that is killed instead.
  it.each(['writer', 'holder'] as const)(
    'stay atomic when the %s is killed at random points',
    async (victim) => {
      const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000)
      console.log(`MILLRACE_SEED=${seed}`)
      const next = random(seed)
      const address = `log:${path.join(temporaryFolder(), 'data')}`
      const setup = await openLog(address, options)
      await setup.admin.createTopic({ name: 'in' })
      await setup.admin.createTopic({ name: 'a', partitions: 2 })
      await setup.admin.createTopic({ name: 'b' })
      const producer = await setup.openProducer({ clientId: 'p' })
      for (let i = 0; i < 10; i++)
        await producer.send(
          'in',
          Array.from({ length: 1000 }, () => record('k', 'v')),
        )
      await setup.close()

      let told = 0
      for (let round = 0; round < rounds; round++) {
        const holder = victim === 'holder' ? await TestProcess.open(address) : undefined
        const writer = await TestProcess.open(address)
        await writer.call('transact', { prefix: 'w', group: 'g' })
        const goal = 1 + Math.floor(next() * 40)
        await eventually(
          `${goal} commits`,
          () => writer.events.filter((one) => one.event === 'committed').length >= goal,
        )
        await new Promise((resolve) => setTimeout(resolve, next() * 10))
        if (holder !== undefined) {
          await holder.kill()
          const reached = writer.events.length
          await eventually('the writer goes on', () => writer.events.length > reached + 3)
        }
        await writer.kill()
        expect(writer.events.filter((one) => one.event === 'failed')).toEqual([])
        told = Math.max(told, ...writer.events.map((one) => one.n ?? -1))

        const driver = await openLog(address, options)
        const done = Number((await driver.groups.describeGroup('g')).partitions[0]!.checkpoint)
        // What was told as committed is; at most one more was, whose answer did not get out.
        expect([told + 1, told + 2]).toContain(done)
        told = done - 1
        const wanted = Array.from({ length: done }, (_, n) => String(n))
        const a = byKey(await readAll(driver, 'a'))
        const b = byKey(await readAll(driver, 'b'))
        expect([...b.keys()].sort()).toEqual(wanted.toSorted())
        for (const n of wanted) expect([a.get(n), a.get(`x${n}`), b.get(n)]).toEqual([[n], [n], [n]])
        expect(a.size).toBe(2 * done)
        // Nothing is left open that would hold readers back.
        for (const topic of ['a', 'b']) {
          const plain = await driver.openProducer({ clientId: 'p' })
          const ack = await plain.send(topic, [record('end', 'x', '0')])
          const start = { from: { at: ack.position(0) } }
          const reader = await driver.openReader({ topic, partition: '0', start })
          expect((await reader.next({ maxBytes: 100, signal: AbortSignal.timeout(2000) }))?.count).toBe(1)
          await reader.close()
          await driver.admin.deleteTopic(topic)
          await driver.admin.createTopic({ name: topic, partitions: topic === 'a' ? 2 : 1 })
        }
        await driver.groups.deleteGroup('g')
        told = -1
        await driver.close()
      }
    },
    300_000,
  )
})
