import assert from 'node:assert/strict'
import type { Case } from '../case.ts'
import { eventually } from '../eventually.ts'
import { keys } from '../workload/load.ts'
import { Member } from '../workload/member.ts'

const SESSION_MS = 4_000

/** What `staticMembership` promises. */
export const staticMembers: readonly Case[] = [
  {
    id: 'static-members/restart',
    title: 'a member with an instanceId that restarts within its session goes on where it was; nothing moves',
    needs: ['staticMembership'],
    timeoutMs: 20_000,
    async run(context) {
      const topic = await context.topic({ partitions: 4 })
      const producer = context.producer(topic)
      await producer.burst({ keys: keys(12), perKey: 5 })
      const start = (instanceId: string) =>
        Member.start(context, {
          topics: [topic],
          consumer: { instanceId, sessionTimeoutMs: SESSION_MS },
        })
      const first = await start('a')
      await first.assigned(4)
      const second = await start('b')
      await Promise.all([first.assigned(2), second.assigned(2)])
      await context.untilDelivered(60, [first, second])
      const had = partitionsOf(first)
      const { member } = second.connection
      const toldToSecond = () =>
        (['assigned', 'revoked', 'lost'] as const)
          .map((type) => context.oracle.of(type).filter((event) => event.member === member).length)
          .join()
      const told = toldToSecond()
      await first.close()
      const during = producer.burst({ keys: keys(12), perKey: 5 })
      const back = await start('a')
      await back.assigned(2)
      await during
      await context.untilDelivered(120, [back, second])
      assert.deepEqual(partitionsOf(back), had)
      assert.equal(toldToSecond(), told, 'the other member noticed nothing')
      await Promise.all([back.close(), second.close()])
      const { redelivered } = await context.judge({ complete: [{ group: context.group, topic: topic.name }] })
      assert.equal(redelivered, 0)
    },
  },
  {
    id: 'static-members/same-name',
    title: 'of two live members with one instanceId one ends with FENCED, and the other has all records',
    needs: ['staticMembership'],
    timeoutMs: 20_000,
    async run(context) {
      const topic = await context.topic({ partitions: 2 })
      const producer = context.producer(topic)
      const start = () =>
        Member.start(context, {
          topics: [topic],
          consumer: { instanceId: 'a', sessionTimeoutMs: SESSION_MS },
        })
      const members = [await start()]
      await members[0]!.assigned(2)
      members.push(await start())
      const failed = () => members.filter(({ failure }) => failure !== undefined)
      await eventually(() => failed().length === 1, { what: 'one of the two ends', withinMs: 12_000 })
      const [{ failure }] = failed() as [Member]
      assert.equal((failure as { code?: string }).code, 'FENCED', String(failure))
      assert.match(String(failure), /instanceId/)
      const alive = members.filter((member) => !failed().includes(member))
      await producer.burst({ keys: keys(8), perKey: 5 })
      await context.untilDelivered(40, alive)
      await alive[0]!.close()
      await context.judge({
        complete: [{ group: context.group, topic: topic.name }],
        zombies: true,
        forced: true,
      })
    },
  },
]

const partitionsOf = ({ stats }: Member): string[] =>
  stats.assignments.map(({ partition }) => partition).sort()
