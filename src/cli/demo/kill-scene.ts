import { setTimeout as wait } from 'node:timers/promises'
import { StreamError, type Streams } from '../../index.ts'
import { count, counted, duration } from '../human.ts'
import type { Narrator } from './narrator.ts'
import { type Quake, quakeTopic } from './quakes.ts'
import type { Stage } from './stage.ts'
import { judge, type Verdict } from './verdict.ts'
import { Worker } from './worker.ts'

/** The member dies once it has processed so many. */
const KILL_AFTER = 200
/** And has so many of them after the last checkpoint of a partition: enough to see, and not about to checkpoint. */
const KILL_UNSAVED = { least: 20, most: 40 }
const DEADLINE_MS = 60_000

export interface KillScene {
  readonly verdict: Verdict
  readonly killed: { readonly name: string; readonly after: number }
  /** Ids that were processed, by whichever member. */
  readonly processed: ReadonlySet<string>
}

/** Two processes share a topic, a week of events comes, one process is killed, the other takes over. */
export async function playKill(
  stage: Stage,
  quakes: readonly Quake[],
  narrator: Narrator,
  signal: AbortSignal,
): Promise<KillScene> {
  const { streams, topic, group } = stage
  let woken = Promise.withResolvers<void>()
  const wake = (): void => {
    woken.resolve()
    woken = Promise.withResolvers()
  }
  const member = (name: string): Worker =>
    new Worker(name, [stage.backend, topic, group, name, String(stage.sessionTimeoutMs)], wake)
  await using first = member('ada')
  await using second = member('bob')
  const workers = [first, second]
  const shares = await assigned(streams, group, workers, signal)
  await narrator.say('started', `2 processes as one group: ${shares}`)

  const sending = performance.now()
  await using producer = streams.producer()
  const records = quakes.map((value) => ({ value, timestamp: value.time }))
  await producer.sendRecords(quakeTopic(topic), records)
  const networks = new Set(quakes.map(({ net }) => net)).size
  const took = duration(performance.now() - sending)
  await narrator.say('sent', `${counted(quakes.length, 'event')}, keyed by network (${networks}), in ${took}`)

  const bar = narrator.begin('processed')
  const processed = new Set<string>()
  const until = async (reached: () => boolean): Promise<void> => {
    using timer = new Deadline(DEADLINE_MS, wake)
    signal.addEventListener('abort', wake)
    for (;;) {
      for (const { deliveries } of workers) for (const { id } of deliveries) processed.add(id)
      bar.update(processed.size, quakes.length)
      if (reached()) break
      await woken.promise
      signal.throwIfAborted()
      if (timer.over || workers.every(({ exited }) => exited))
        throw stuck(workers, quakes.length - processed.size)
    }
    signal.removeEventListener('abort', wake)
  }
  const processing = performance.now()
  await until(() => workers.some(isDoomed))
  const killed = workers.find(isDoomed)!
  const survivor = workers.find((worker) => worker !== killed)!
  await killed.kill()
  const after = killed.deliveries.length
  const inherited = new Set(killed.deliveries.map(({ partition }) => partition))
  const seen = survivor.deliveries.length
  await narrator.say(
    'killed',
    `${killed.name}, pid ${killed.pid}, with SIGKILL after ${counted(after, 'event')}`,
  )

  const dying = performance.now()
  await until(() => survivor.deliveries.slice(seen).some(({ partition }) => inherited.has(partition)))
  await narrator.say('taken over', `by ${survivor.name}, ${duration(performance.now() - dying)} later`)
  await until(() => processed.size === quakes.length)
  await survivor.stop()

  const verdict = judge(quakes, killed, survivor, (a, b) => streams.comparePositions(a, b))
  const time = duration(performance.now() - processing)
  for (const [what, text] of wordsOf(verdict, quakes.length, networks, time)) await narrator.say(what, text)
  return { verdict, killed: { name: killed.name, after }, processed }
}

function isDoomed({ deliveries, checkpoints, unsaved }: Worker): boolean {
  if (deliveries.length < KILL_AFTER || checkpoints.size === 0) return false
  return [...unsaved.values()].some((some) => some >= KILL_UNSAVED.least && some <= KILL_UNSAVED.most)
}

function wordsOf(verdict: Verdict, sent: number, networks: number, time: string): [string, string][] {
  const { processed, lost, twice, forbidden, inversions } = verdict
  return [
    [
      'processed',
      `${count(processed)} of ${count(sent)} events in ${time}: ${lost.length === 0 ? 'nothing lost' : `${count(lost.length)} LOST`}`,
    ],
    [
      'twice',
      `${counted(twice, 'event')}, ${forbidden.length === 0 ? 'all after the last checkpoint' : `${count(forbidden.length)} of them BEFORE the last checkpoint`}`,
    ],
    [
      'order',
      inversions.length === 0
        ? `held within each of the ${networks} networks`
        : `BROKEN ${counted(inversions.length, 'time')}`,
    ],
  ]
}

/** Resolves when both members have partitions and none is without owner; tells how they are shared. */
async function assigned(
  streams: Streams,
  group: string,
  workers: readonly Worker[],
  signal: AbortSignal,
): Promise<string> {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await wait(50)) {
    signal.throwIfAborted()
    if (workers.some(({ exited }) => exited)) break
    const description = await streams.groups.describeGroup(group).catch((error: { code?: string }) => {
      if (error.code === 'NOT_FOUND') return undefined
      throw error
    })
    const members = description?.members.filter(({ assignments }) => assignments.length > 0) ?? []
    const unowned = description?.partitions.some(({ owner }) => owner === null) ?? true
    if (description?.state !== 'stable' || members.length < workers.length || unowned) continue
    const shares = members.map(
      ({ clientId, assignments }) => `${clientId} has ${counted(assignments.length, 'partition')}`,
    )
    return shares.sort().join(', ')
  }
  throw new StreamError(
    'TIMEOUT',
    `the demo's processes did not come to share the topic. ${complaintsOf(workers)}`,
  )
}

class Deadline implements Disposable {
  over = false
  private readonly timer: NodeJS.Timeout

  constructor(millis: number, wake: () => void) {
    this.timer = setTimeout(() => {
      this.over = true
      wake()
    }, millis)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.timer)
  }
}

function stuck(workers: readonly Worker[], missing: number): StreamError {
  return new StreamError(
    'TIMEOUT',
    missing === 0
      ? `all events were processed before one of the processes could be killed. ${complaintsOf(workers)}`
      : `${counted(missing, 'event')} came to no process. ${complaintsOf(workers)}`,
  )
}

function complaintsOf(workers: readonly Worker[]): string {
  const said = workers.filter(({ complaints }) => complaints !== '')
  if (said.length === 0) return 'Run it again with --verbose.'
  // Each once: what goes on for a minute is said again and again.
  const lines = (complaints: string): string => [...new Set(complaints.trim().split('\n'))].join(' ')
  return said.map(({ name, complaints }) => `${name} said: ${lines(complaints)}`).join(' ')
}
