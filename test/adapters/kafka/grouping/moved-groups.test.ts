import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { beforeAll, describe, inject, test } from 'vitest'
import { openKafka } from '../../../../adapters/kafka/index.ts'
import { CaseContext } from '../../../conformance/case-context.ts'
import { quiet } from '../../../conformance/connection.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { keys } from '../../../conformance/workload/load.ts'
import { Member } from '../../../conformance/workload/member.ts'
import { sharedBroker } from '../../../support/kafka/shared-broker.ts'

const KEYS = 12
const PER_KEY = 40

describe.skipIf(!inject('docker'))('a group that is moved by a rolling restart, under load', () => {
  let address: string

  beforeAll(async () => {
    address = await sharedBroker()
  }, 120_000)

  /** Two members by `from`, each replaced by one of `to`; every record must come once, in order, to the members in turn. */
  async function move(from: string, to: string): Promise<CaseContext> {
    let parameters = from
    const context = await CaseContext.begin({
      openDriver: () => openKafka(`kafka://${address}?${parameters}`, { logger: quiet }),
      async close() {},
    })
    const topic = await context.topic({ partitions: 6 })
    const start = () =>
      Member.start(context, {
        topics: [topic],
        consumer: { sessionTimeoutMs: 3_000, drainTimeoutMs: 5_000 },
        run: { concurrency: 6 },
        each: () => wait(1),
      })
    const members = [await start(), await start()]
    await shared(members)
    const sending = context.producer(topic).burst({ keys: keys(KEYS), perKey: PER_KEY, gap: () => wait(40) })
    sending.catch(() => {})
    for (const old of members.slice()) {
      parameters = to
      await old.close()
      members.splice(members.indexOf(old), 1)
      members.push(await start())
      await shared(members)
    }
    await sending
    await context.untilDelivered(KEYS * PER_KEY, members)
    const described = await context.streams.groups.describeGroup(context.group)
    assert.equal(described.members.length, 2)
    assert.equal(described.state, 'stable')
    assert.ok(described.partitions.every(({ owner }) => owner !== null))
    await Promise.all(members.map((member) => member.close()))
    const { redelivered } = await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
    assert.equal(redelivered, 0, 'graceful hand-offs bring nothing twice')
    return context
  }

  for (const [from, to] of [
    ['driver=kafkajs', 'driver=direct'],
    ['groupProtocol=classic', 'groupProtocol=consumer'],
    ['groupProtocol=consumer', 'groupProtocol=classic'],
  ] as const) {
    test(`from ${from} to ${to}`, { timeout: 300_000 }, async () => {
      const context = await move(from, to)
      await context.end()
    })
  }
})

/** Three partitions each. The first group of a broker waits until it has made a topic for groups. */
function shared(members: readonly Member[]): Promise<unknown> {
  return eventually(() => members.every(({ owned }) => owned === 3), {
    withinMs: 20_000,
    what: 'even shares',
    unless: () => {
      for (const member of members) member.throwFailure()
    },
  })
}
