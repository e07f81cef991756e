import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { StreamError } from '../../../src/index.ts'
import type { Case } from '../case.ts'
import { eventually } from '../eventually.ts'
import { rejectsWith } from '../rejects-with.ts'
import { keys } from '../workload/load.ts'
import { Member } from '../workload/member.ts'
import { readAll } from '../workload/read-back.ts'

/** Transactions, where they are declared. */
export const transactions: readonly Case[] = [
  {
    id: 'transactions/atomic',
    title:
      'records of one transaction over several topics and partitions become visible together, and in order',
    needs: ['transactions'],
    async run(context) {
      const topics = [await context.topic({ partitions: 3 }), await context.topic()]
      const observer = await context.connect()
      await context.streams.transaction(async (tx) => {
        for (let seq = 1; seq <= 5; seq++) {
          for (const topic of topics) {
            await Promise.all(keys(4).map((key) => tx.send(topic, { producer: 'tx', key, seq })))
          }
        }
        for (const topic of topics)
          assert.deepEqual(await readAll(observer.streams, topic), [], 'seen before the commit')
      })
      for (const topic of topics) assert.equal((await readAll(observer.streams, topic)).length, 20)
      await context.judge()
    },
  },
  {
    id: 'transactions/returns',
    title: 'transaction gives what its work gives, with positions where the records then stand',
    needs: ['transactions'],
    async run(context) {
      const topic = await context.topic()
      const at = await context.streams.transaction((tx) =>
        tx.send(topic, { producer: 'tx', key: 'k', seq: 1 }),
      )
      const [found] = await readAll(context.streams, topic, {
        from: { at: at.position },
        partitions: [at.partition],
      })
      assert.equal(found?.position, at.position)
    },
  },
  {
    id: 'transactions/aborted',
    title:
      'records of an aborted transaction are invisible to readers and groups, unless uncommitted ones are asked for',
    needs: ['transactions'],
    async run(context) {
      const topic = await context.topic({ verify: false })
      const producer = context.producer(topic)
      await producer.send('k')
      const failure = new Error('no')
      const work = context.streams.transaction(async (tx) => {
        await tx.sendBatch(topic, [{ producer: 'tx', key: 'k', seq: 1 }])
        throw failure
      })
      await assert.rejects(work, (error) => error === failure)
      await producer.send('k')
      const producers = async (isolation: 'committed' | 'uncommitted') =>
        (await readAll(context.streams, topic, { isolation })).map((record) => record.value?.producer)
      assert.deepEqual(await producers('committed'), [producer.name, producer.name])
      assert.deepEqual(await producers('uncommitted'), [producer.name, 'tx', producer.name])
      const given: unknown[] = []
      for await (const batch of context.streams.consumer({ group: context.group, topics: [topic] })) {
        given.push(...[...batch].map((record) => record.value?.producer))
        await batch.checkpoint()
        if (given.length >= 2) break
      }
      assert.deepEqual(given, [producer.name, producer.name])
    },
  },
  {
    id: 'transactions/open-holds-back',
    title:
      'committed readers wait at an open transaction: what comes after it is seen after its end, in order',
    needs: ['transactions'],
    async run(context) {
      const topic = await context.topic()
      const producer = context.producer(topic)
      const other = await context.connect()
      const open = Promise.withResolvers<void>()
      const sent = Promise.withResolvers<void>()
      const work = other.streams.transaction(async (tx) => {
        await tx.send(topic, { producer: 'tx', key: 'k', seq: 1 })
        sent.resolve()
        await open.promise
      })
      work.catch(() => {})
      await sent.promise
      await producer.send('k')
      const seen: string[] = []
      await using reader = context.streams.read(topic)
      const reading = (async () => {
        for await (const record of reader.records()) {
          seen.push(record.value!.producer)
          if (seen.length === 2) return
        }
      })()
      reading.catch(() => {})
      await wait(60)
      assert.deepEqual(seen, [])
      open.resolve()
      await work
      await reading
      assert.deepEqual(seen, ['tx', producer.name])
    },
  },
  {
    id: 'transactions/with-checkpoint',
    title: 'a batch is checkpointed with the transaction that holds its results: with both or with neither',
    needs: ['transactions'],
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const into = await context.topic()
      await context.producer(topic).burst({ keys: keys(4), perKey: 10 })
      const failure = new Error('once')
      let failed = false
      for (let turn = 0; turn < 2; turn++) {
        const { streams } = await context.connect()
        const consumer = streams.consumer({
          group: context.group,
          topics: [topic],
          fetchMaxBytes: 300,
          checkpoint: 'manual',
          sessionTimeoutMs: 500,
        })
        let taken = 0
        try {
          for await (const batch of consumer) {
            await streams.transaction(batch, async (tx) => {
              for (const record of batch) await tx.send(into, record.value!)
              if (!failed && taken > 5) {
                failed = true
                throw failure
              }
            })
            taken += batch.length
            if ((await readAll(streams, into)).length === 40) break
          }
        } catch (error) {
          assert.equal(error, failure)
        }
        await consumer.close()
      }
      assert.ok(failed)
      const found = (await readAll(context.streams, into)).map(({ value }) => `${value!.key}#${value!.seq}`)
      assert.equal(found.length, 40)
      assert.equal(new Set(found).size, 40, 'each result once')
      await context.judge()
    },
  },
  {
    id: 'transactions/in-batch-handler',
    title: 'a batch handler may checkpoint its batch in a transaction; failed attempts leave nothing',
    needs: ['transactions'],
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const into = await context.topic()
      await context.producer(topic).burst({ keys: keys(4), perKey: 10 })
      let attempts = 0
      const connection = await context.connect()
      const member = await Member.start(context, {
        connection,
        topics: [topic],
        consumer: { checkpoint: 'manual' },
        run: { maxBatchRecords: 4, retry: { attempts: 5, backoffMs: 2 } },
        batch: (batch) =>
          connection.streams.transaction(batch, async (tx) => {
            for (const record of batch) await tx.send(into, record.value!)
            if (++attempts % 3 === 0) throw new Error('every third')
          }),
      })
      const all = async () => (await readAll(context.streams, into)).length >= 40
      await eventually(all, { what: '40 results', unless: () => member.throwFailure() })
      await member.close()
      const found = (await readAll(context.streams, into)).map(({ value }) => `${value!.key}#${value!.seq}`)
      assert.equal(found.length, 40)
      assert.equal(new Set(found).size, 40)
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'transactions/zombie',
    title: 'a second user of a transactional id fences the first, whose commit is refused and leaves nothing',
    needs: ['transactions'],
    async run(context) {
      const topic = await context.topic()
      const other = await context.connect()
      const transactionalId = context.unique('tx')
      const begun = Promise.withResolvers<void>()
      const gate = Promise.withResolvers<void>()
      const zombie = context.streams.transaction(
        async (tx) => {
          await tx.send(topic, { producer: 'zombie', key: 'k', seq: 1 })
          begun.resolve()
          await gate.promise
        },
        { transactionalId },
      )
      zombie.catch(() => {})
      await begun.promise
      await other.streams.transaction((tx) => tx.send(topic, { producer: 'heir', key: 'k', seq: 1 }), {
        transactionalId,
      })
      gate.resolve()
      await rejectsWith('FENCED', () => zombie)
      const found = await readAll(context.streams, topic)
      assert.deepEqual(
        found.map(({ value }) => value?.producer),
        ['heir'],
      )
    },
  },
  {
    id: 'transactions/timeout',
    title: 'a transaction that is left open is aborted by the backend, and readers go on',
    needs: ['transactions'],
    async run(context) {
      const topic = await context.topic()
      const gate = Promise.withResolvers<void>()
      const sent = Promise.withResolvers<void>()
      context.onEnd(() => gate.resolve())
      const work = context.streams.transaction(
        async (tx) => {
          await tx.send(topic, { producer: 'slow', key: 'k', seq: 1 })
          sent.resolve()
          await gate.promise
        },
        { timeoutMs: 1_000 },
      )
      work.catch(() => {})
      await Promise.race([sent.promise, work])
      const producer = context.producer(topic)
      await producer.send('k')
      assert.equal((await readAll(context.streams, topic)).length, 0)
      const visible = async () => (await readAll(context.streams, topic)).length === 1
      await eventually(visible, { what: 'the other record is visible' })
      gate.resolve()
      await assert.rejects(work, (error) => error instanceof StreamError)
      assert.equal((await readAll(context.streams, topic)).length, 1)
    },
  },
  {
    id: 'transactions/exactly-once-under-crash',
    title: 'consume, transform, produce: processes killed at random points double and lose no result',
    needs: ['transactions', 'multiProcess', 'durable'],
    timeoutMs: 40_000,
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const into = await context.topic({ partitions: 2, verify: false })
      await context.producer(topic).burst({ keys: keys(8), perKey: 40 })
      const pipe = () =>
        context.child({
          role: 'pipe',
          topic: topic.name,
          into: into.name,
          group: context.group,
          sessionTimeoutMs: 400,
        })
      const results = async () => (await readAll(context.streams, into)).length
      for (let turn = 0; turn < 3; turn++) {
        const child = pipe()
        const enough = 1 + Math.floor(Math.random() * 3)
        const through = () => child.said.filter((what) => what === 'piped').length >= enough
        await eventually(async () => through() || (await results()) === 320, { what: 'the pipe runs' })
        await child.kill()
      }
      const last = pipe()
      await eventually(async () => (await results()) >= 320, { withinMs: 15_000, what: 'all results' })
      await last.finish()
      const found = (await readAll(context.streams, into)).map(({ value }) => `${value!.key}#${value!.seq}`)
      assert.equal(found.length, 320)
      assert.equal(new Set(found).size, 320)
      const perKey = Map.groupBy(found, (name) => name.split('#')[0]!)
      for (const [key, names] of perKey) {
        assert.deepEqual(
          names,
          Array.from({ length: 40 }, (_, i) => `${key}#${i + 1}`),
          'in order',
        )
      }
    },
  },
]
