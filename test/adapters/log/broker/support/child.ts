/**
 * A process of its own that uses a log: driven by messages `{ id, op, … }`, answering `{ id, result | error }`, and telling
 * what happens by `{ event, … }`.
 */
import { randomUUID } from 'node:crypto'
import { openLog } from '../../../../../adapters/log/index.ts'
import type { Assignment, AssignmentEvents, Driver, GroupMember } from '../../../../../src/driver.ts'
import { record } from './records.ts'

interface Message {
  readonly id: number
  readonly op: keyof typeof operations
  readonly [name: string]: unknown
}

const quiet = { debug() {}, info() {}, warn() {}, error: console.error }
let driver: Driver
let stopped = false
const running: Promise<unknown>[] = []
const tell = (event: string, details: object = {}): void => void process.send!({ event, ...details })

const operations = {
  async open({ address }: { address: string }) {
    driver = await openLog(address, { logger: quiet })
  },
  async createTopic(spec: { name: string; partitions: number }) {
    await driver.admin.createTopic({ name: spec.name, partitions: spec.partitions })
  },
  async send({ topic, values }: { topic: string; values: [string, string][] }) {
    const producer = await driver.openProducer({ clientId: 'child' })
    const ack = await producer.send(
      topic,
      values.map(([key, value]) => record(key, value)),
    )
    return ack.count
  },
  /** Sends `prefix:1`, `prefix:2`, … under 30 keys, several calls at a time, and tells each that was acknowledged. */
  async produce({ topic, prefix, pauseMs }: { topic: string; prefix: string; pauseMs: number }) {
    const producer = await driver.openProducer({ clientId: prefix })
    let n = 0
    const lane = async (): Promise<void> => {
      while (!stopped) {
        const first = n
        n += 5
        const values = Array.from({ length: 5 }, (_, i) => `${prefix}:${first + i}`)
        tell('sent', { values })
        await producer.send(
          topic,
          values.map((value, i) => record(`${prefix}${(first + i) % 30}`, value)),
        )
        tell('acked', { values })
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
    running.push(lane(), lane(), lane())
  },
  /** Consumes as a member, checkpoints after each batch, and tells what it delivered and what was checkpointed. */
  async consume({
    topic,
    group,
    sessionTimeoutMs,
  }: {
    topic: string
    group: string
    sessionTimeoutMs: number
  }) {
    const work = new Map<Assignment, { stop: AbortController; done: Promise<void> }>()
    const run = async (assignment: Assignment, signal: AbortSignal): Promise<void> => {
      const { partition } = assignment
      const reader = await driver.openReader({
        topic,
        partition,
        start: { checkpoint: assignment.checkpoint },
      })
      try {
        while (!signal.aborted) {
          const batch = await reader.next({ maxBytes: 4000, signal })
          if (batch === null) {
            await member.checkpoint([{ assignment, checkpoint: reader.checkpoint, ended: true }])
            return
          }
          const values = Array.from({ length: batch.count }, (_, i) =>
            Buffer.from(batch.value(i)!).toString(),
          )
          tell('delivered', { partition, values, epoch: assignment.epoch })
          const [error] = await member.checkpoint([{ assignment, checkpoint: batch.end }])
          if (error === undefined) tell('checkpointed', { partition, values })
          else return tell('refused', { partition, code: error.code })
        }
      } catch (error) {
        if (!signal.aborted) tell('failed', { message: String(error) })
      } finally {
        await reader.close()
      }
    }
    const events: AssignmentEvents = {
      assigned(assignment) {
        tell('assigned', { partition: assignment.partition })
        const stop = new AbortController()
        work.set(assignment, { stop, done: Promise.resolve().then(() => run(assignment, stop.signal)) })
      },
      async revoked(assignment) {
        work.get(assignment)?.stop.abort()
        await work.get(assignment)?.done
        tell('revoked', { partition: assignment.partition })
      },
      lost(assignment) {
        work.get(assignment)?.stop.abort()
        tell('lost', { partition: assignment.partition })
      },
      failed(error) {
        tell('failed', { message: error.message })
      },
    }
    const options = {
      group,
      topics: [topic],
      from: 'earliest' as const,
      clientId: 'child',
      drainTimeoutMs: 5000,
    }
    const member: GroupMember = await driver.joinGroup({ ...options, sessionTimeoutMs }, events)
    leave = () => member.leave()
  },
  /** Transaction after transaction: one record each into `a` and `b`, and the checkpoint of partition 0 of `in`. */
  async transact({ prefix, group }: { prefix: string; group: string }) {
    const events = Promise.withResolvers<Assignment>()
    const member = await driver.joinGroup(
      {
        group,
        topics: ['in'],
        from: 'earliest',
        clientId: prefix,
        sessionTimeoutMs: 6000,
        drainTimeoutMs: 1000,
      },
      { assigned: events.resolve, async revoked() {}, lost() {}, failed: events.reject },
    )
    const loop = async (): Promise<void> => {
      const assignment = await events.promise
      const producer = await driver.openTransactions!({
        clientId: prefix,
        timeoutMs: 5000,
        transactionalId: 'tx',
      })
      for (let n = Number(assignment.checkpoint); !stopped; n++) {
        const transaction = await producer.begin()
        const value = `${n}`
        await Promise.all([
          transaction.send('a', [record(value, value), record(`x${value}`, value)]),
          transaction.send('b', [record(value, value)]),
        ])
        if (n % 4 === 3) {
          await transaction.abort()
          const again = await producer.begin()
          await again.send('a', [record(value, value), record(`x${value}`, value)])
          await again.send('b', [record(value, value)])
          await again.checkpoint(member, [{ assignment, checkpoint: String(n + 1) }])
          await again.commit()
        } else {
          await transaction.checkpoint(member, [{ assignment, checkpoint: String(n + 1) }])
          await transaction.commit()
        }
        tell('committed', { n })
      }
    }
    running.push(loop().catch((error) => tell('failed', { message: String(error) })))
  },
  /** Adds 1 to a row again and again, on condition, and tells each sum that was written. */
  async count({ table, key }: { table: string; key: string }) {
    const tables = driver.tables!
    const loop = async (): Promise<void> => {
      while (!stopped) {
        const row = await tables.readRow(table, key)
        const value = String(Number(row?.value ?? 0) + 1)
        const next = { value, version: randomUUID() }
        if (await tables.writeRow({ table, key, expected: row?.version ?? null, next })) {
          tell('counted', { values: [value] })
        }
        // Lets the others have a turn: the holder's own calls are faster than theirs.
        await new Promise((resolve) => setTimeout(resolve, 5 * Math.random()))
      }
    }
    running.push(loop().catch((error) => tell('failed', { message: String(error) })))
  },
  async stop() {
    stopped = true
    await Promise.all(running)
  },
  async leave() {
    await leave()
  },
  async close() {
    await driver.close()
  },
  /** Lets go of the channel: the process ends by itself when nothing is left open. */
  async end() {
    setImmediate(() => process.disconnect())
  },
}

let leave = async (): Promise<void> => {}

process.on('message', async ({ id, op, ...args }: Message) => {
  try {
    const run = operations[op] as (args: object) => Promise<unknown>
    process.send!({ id, result: await run(args) })
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    process.send!({ id, error: { code, message } })
  }
})
