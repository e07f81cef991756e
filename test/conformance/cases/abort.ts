import assert from 'node:assert/strict'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { StreamError } from '../../../src/index.ts'
import type { Case } from '../case.ts'
import { eventually, within } from '../eventually.ts'
import { keys } from '../workload/load.ts'
import { readAll } from '../workload/read-back.ts'

/** Promise 13: a signal fired at any point ends the call soon, with its reason or as a close, and breaks nothing else. */
export const abort: readonly Case[] = [
  {
    id: 'abort/before',
    title: 'a signal that was aborted before ends each call at once',
    async run(context) {
      const topic = await context.topic()
      await context.producer(topic).send('k')
      const signal = AbortSignal.abort(new Error('no'))
      await using producer = context.streams.producer()
      await assert.rejects(producer.send(topic, { producer: 'p', key: 'k', seq: 1 }, { signal }), isAbort)
      const reading = (async () => {
        for await (const _ of context.streams.read(topic, { signal }));
      })()
      await within(2_000, settledAs(reading), 'the reader to end')
      const consumer = context.streams.consumer({ group: context.group, topics: [topic], signal })
      let handled = 0
      const running = consumer.run({ each: () => void handled++ })
      await within(3_000, settledAs(running), 'run to end')
      assert.equal(handled, 0)
    },
  },
  {
    id: 'abort/send',
    title: 'aborted sends settle at once; those not aborted are all there, in order',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      await using producer = context.streams.producer()
      const sent: number[] = []
      for (let seq = 1; seq <= 60; seq++) {
        const controller = new AbortController()
        const options = seq % 2 === 0 ? { signal: controller.signal } : {}
        const sending = producer.send(topic, { producer: 'p', key: 'k', seq }, options)
        sending.catch(() => {})
        for (let i = 0; i < seq % 5; i++) await turn()
        controller.abort()
        const outcome = await within(3_000, settledAs(sending), 'the send to settle')
        if (outcome === 'resolved') sent.push(seq)
        else assert.equal(seq % 2, 0, 'a send without a signal was aborted')
      }
      const found = (await readAll(context.streams, topic)).map((record) => record.value!.seq)
      assert.deepEqual(
        found,
        found.toSorted((a, b) => a - b),
      )
      for (const seq of sent) assert.ok(found.includes(seq), `${seq} was acknowledged and is not there`)
    },
  },
  {
    id: 'abort/read',
    title: 'a reader aborted at random points ends at once, and the next one reads everything',
    async run(context) {
      const topic = await context.topic({ partitions: 3 })
      await context.producer(topic).burst({ keys: keys(10), perKey: 20 })
      for (let i = 0; i < 25; i++) {
        const controller = new AbortController()
        const reading = (async () => {
          for await (const batch of context.streams.read(topic, {
            signal: controller.signal,
            fetchMaxBytes: 300,
          })) {
            void batch.at(0)?.value
          }
        })()
        reading.catch(() => {})
        await sometime(i)
        controller.abort()
        await within(3_000, settledAs(reading), 'the reader to end')
      }
      assert.equal((await readAll(context.streams, topic)).length, 200)
    },
  },
  {
    id: 'abort/run',
    title:
      'consumers aborted at random points, also while they join, leave the group; nothing is lost or forbidden',
    timeoutMs: 25_000,
    async run(context) {
      const topic = await context.topic({ partitions: 3 })
      await context.producer(topic).burst({ keys: keys(10), perKey: 20 })
      const { Member } = await import('../workload/member.ts')
      for (let i = 0; i < 14; i++) {
        const controller = new AbortController()
        const { signal } = controller
        const options = { topics: [topic], each: () => turn() }
        const member = await Member.start(
          context,
          i % 2 === 0
            ? { ...options, consumer: { signal, fetchMaxBytes: 300 } }
            : { ...options, run: { signal } },
        )
        await sometime(i * 2)
        controller.abort()
        await within(5_000, member.running, 'run to resolve')
      }
      const last = await Member.start(context, { topics: [topic] })
      await context.untilDelivered(200, [last])
      await last.close()
      const { members } = await context.streams.groups.describeGroup(context.group)
      assert.deepEqual(members, [])
      await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    },
  },
  {
    id: 'abort/pull',
    title: 'a for await loop that is left or aborted at random points leaves the group',
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      for (let i = 0; i < 10; i++) {
        await producer.burst({ keys: keys(10), perKey: 6 })
        const controller = new AbortController()
        const consumer = context.streams.consumer({
          group: context.group,
          topics: [topic],
          fetchMaxBytes: 300,
          signal: controller.signal,
        })
        const looping = (async () => {
          for await (const batch of consumer) {
            await batch.checkpoint()
            if (i % 2 === 0) break
          }
        })()
        looping.catch(() => {})
        await sometime(i * 2)
        if (i % 2 === 1) controller.abort()
        await within(5_000, settledAs(looping, 'FENCED'), 'the loop to end')
      }
      const empty = async () =>
        (await context.streams.groups.describeGroup(context.group)).members.length === 0
      await eventually(empty, { what: 'nobody is left in the group' })
    },
  },
  {
    id: 'abort/transaction',
    title: 'a transaction whose work throws at any point leaves nothing, and the next one works',
    needs: ['transactions'],
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      for (let point = 0; point < 4; point++) {
        const failure = new Error(`at ${point}`)
        const work = context.streams.transaction(async (tx) => {
          for (let i = 0; i < 3; i++) {
            if (i === point) throw failure
            await tx.send(topic, { producer: `t${point}`, key: `k${i}`, seq: 1 })
          }
          if (point === 3) throw failure
        })
        await assert.rejects(work, (error) => error === failure)
      }
      await context.streams.transaction((tx) => tx.send(topic, { producer: 'last', key: 'k', seq: 1 }))
      const found = await readAll(context.streams, topic)
      assert.deepEqual(
        found.map((record) => record.value?.producer),
        ['last'],
      )
    },
  },
]

/** Some turns of the event loop, or some milliseconds: points that differ from run to run. */
async function sometime(i: number): Promise<void> {
  if (i % 3 === 0) for (let n = Math.floor(Math.random() * 30); n >= 0; n--) await turn()
  else await wait(Math.random() * 2 * i)
}

/** Waits; an abort is no failure, anything else is. `also`: a code that is none either. */
async function settledAs(work: Promise<unknown>, also?: string): Promise<'resolved' | 'aborted'> {
  try {
    await work
    return 'resolved'
  } catch (error) {
    if (isAbort(error) || (error instanceof StreamError && error.code === also)) return 'aborted'
    throw error
  }
}

/** The signal's own reason, or what a call says that was closed meanwhile. */
function isAbort(error: unknown): boolean {
  if (error instanceof StreamError) return error.code === 'CLOSED'
  return error instanceof Error && (error.name === 'AbortError' || error.message === 'no')
}
