import { setTimeout as wait } from 'node:timers/promises'
import type { CaseContext } from '../../../conformance/case-context.ts'
import { eventually } from '../../../conformance/eventually.ts'
import { keys, type LoadTopic } from '../../../conformance/workload/load.ts'
import { Member } from '../../../conformance/workload/member.ts'
import type { KinesisFake } from '../../../support/kinesis-fake/start-kinesis-fake.ts'

const KEYS = keys(30)
const MEMBERS = 3
const MOST_SHARDS = 6
/** As long as no more are unanswered a producer goes on. */
const UNANSWERED = 400

/** Everything goes wrong at once for so long; then it must all have been delivered, once and in order as far as is promised. */
export async function chaos(
  context: CaseContext,
  fake: KinesisFake,
  random: () => number,
  forMs: number,
): Promise<void> {
  const topic = await context.topic({ partitions: 3 })
  const until = performance.now() + forMs
  const over = (): boolean => performance.now() >= until
  setFaults(fake)
  const members = new Set<Member>()
  const join = async (): Promise<void> => {
    members.add(
      await Member.start(context, {
        topics: [topic],
        consumer: { sessionTimeoutMs: 2_000 },
        run: { concurrency: 4 },
        each: () => (random() < 0.1 ? wait(random() * 20) : undefined),
      }),
    )
  }
  for (let i = 0; i < MEMBERS; i++) await join()
  await Promise.all([
    produce(context, topic, random, over),
    produce(context, topic, random, over),
    reshard(context, topic, random, over),
    changeMembers(context, members, join, random, over),
  ])
  fake.faults.clear()
  const { oracle, group } = context
  const undelivered = (): number => {
    const missing = new Set(
      oracle.of('acknowledged').map(({ producer, key, seq }) => `${producer}/${key}/${seq}`),
    )
    for (const { producer, key, seq } of oracle.of('delivered')) missing.delete(`${producer}/${key}/${seq}`)
    return missing.size
  }
  await eventually(
    async () => {
      for (const member of members) member.throwFailure()
      // Each look goes through all that happened.
      await wait(200)
      return undelivered() === 0
    },
    { withinMs: 60_000, what: 'all that was acknowledged is delivered' },
    // The judge says more of what is missing.
  ).catch(() => {})
  for (const member of members) member.throwFailure()
  await Promise.all(Array.from(members, (member) => member.close()))
  await context.judge({ complete: [{ group, topic: topic.name }], forced: true, zombies: true })
}

function setFaults({ faults }: KinesisFake): void {
  const put = 'PutRecords'
  const throttled = 'ProvisionedThroughputExceededException'
  faults.add({ on: put, rate: 0.05, effect: { kind: 'entries', code: throttled, which: { share: 0.3 } } })
  faults.add({
    on: put,
    rate: 0.05,
    effect: { kind: 'entries', code: 'InternalFailure', which: { share: 0.3 } },
  })
  faults.add({
    on: put,
    rate: 0.02,
    effect: { kind: 'error', code: 'InternalFailureException', when: 'after' },
  })
  faults.add({ on: put, rate: 0.02, effect: { kind: 'cut', when: 'after' } })
  faults.add({ on: put, rate: 0.3, effect: { kind: 'shuffle' } })
  faults.add({ on: put, rate: 0.1, effect: { kind: 'delay', ms: 20, when: 'before' } })
  faults.add({ on: 'GetRecords', rate: 0.02, effect: { kind: 'error', code: throttled } })
  faults.add({ on: 'GetRecords', rate: 0.02, effect: { kind: 'error', code: 'ExpiredIteratorException' } })
  faults.add({ on: 'GetRecords', rate: 0.01, effect: { kind: 'cut', when: 'within' } })
  const looks = ['GetShardIterator', 'ListShards', 'DescribeStreamSummary']
  faults.add({ on: looks, rate: 0.03, effect: { kind: 'error', code: 'InternalFailureException' } })
  const changes = ['SplitShard', 'MergeShards']
  faults.add({
    on: changes,
    rate: 0.1,
    effect: { kind: 'error', code: 'InternalFailureException', when: 'after' },
  })
}

async function produce(
  context: CaseContext,
  topic: LoadTopic,
  random: () => number,
  over: () => boolean,
): Promise<void> {
  const producer = context.producer(topic, (await context.connect()).streams)
  const unanswered = new Set<Promise<unknown>>()
  const pick = (): string => KEYS[Math.floor(random() * KEYS.length)]!
  while (!over()) {
    const sent =
      random() < 0.5
        ? producer.send(pick())
        : producer.sendBatch(Array.from({ length: 1 + Math.floor(random() * 10) }, pick))
    unanswered.add(sent)
    sent.then(
      () => unanswered.delete(sent),
      // Found by the oracle, as a record that was refused; nothing here should be.
      () => {},
    )
    if (unanswered.size > UNANSWERED) await Promise.race(unanswered)
    await wait(random() * 15)
  }
  await Promise.all(unanswered)
}

async function reshard(
  context: CaseContext,
  topic: LoadTopic,
  random: () => number,
  over: () => boolean,
): Promise<void> {
  const { admin } = context.streams
  while (!over()) {
    await wait(500 + random() * 2_500)
    const { partitions } = await admin.describeTopic(topic.name)
    const open = partitions
      .filter(({ state }) => state === 'open')
      .sort((a, b) => (BigInt(a.hashRange!.from) < BigInt(b.hashRange!.from) ? -1 : 1))
      .map(({ id }) => id)
    const split = open.length === 1 || (open.length < MOST_SHARDS && random() < 0.5)
    const at = Math.floor(random() * (split ? open.length : open.length - 1))
    if (split) await admin.splitPartition(topic.name, open[at]!)
    else await admin.mergePartitions(topic.name, [open[at]!, open[at + 1]!])
  }
}

async function changeMembers(
  context: CaseContext,
  members: Set<Member>,
  join: () => Promise<void>,
  random: () => number,
  over: () => boolean,
): Promise<void> {
  const die = context.fault('crash')
  while (!over()) {
    await wait(2_000 + random() * 4_000)
    const all = [...members]
    const leaving = all[Math.floor(random() * all.length)]!
    leaving.throwFailure()
    members.delete(leaving)
    if (random() < 0.6) await die(leaving.connection.inner)
    else await leaving.close()
    await join()
  }
}
