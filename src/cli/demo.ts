import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { StreamError, type Streams } from '../index.ts'
import { joinAddress } from '../tools/address.ts'
import { replay } from '../tools/replay.ts'
import { writeAll } from '../tools/standard-output.ts'
import { dayChart, dayName, networkTable, styleOf, weekChart } from './demo/charts.ts'
import { addDemoMember } from './demo/member.ts'
import { busiestDay, DAY_MS, dayOf, loadQuakes, type Quake, quakeTopic } from './demo/quakes.ts'
import { type Stage, setStage } from './demo/stage.ts'
import { judge } from './demo/verdict.ts'
import { Worker } from './demo/worker.ts'
import { parsedBy } from './failure.ts'
import { count, counted, duration } from './human.ts'
import { Interruption } from './interruption.ts'
import { backendArgument } from './open-backend.ts'
import { Progress } from './progress.ts'
import { outputIsTerminal } from './terminal.ts'

const PARTITIONS = 6
/** One day passes in three seconds. */
const SPEED = 28_800
/** The member dies once it has processed so many, with some of them after its checkpoint. */
const KILL_AFTER = 200
const KILL_UNSAVED = 20
const DEADLINE_MS = 60_000

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description('one week of earthquakes through a group of two processes, one of which is killed')
    .argument(
      '[address]',
      'backend; default: an embedded log in a temporary directory',
      parsedBy(backendArgument),
    )
    .option('--keep', 'leave topics and data for a look around')
    .option('--json', 'the result in JSON')
    .action(
      async (address: string | undefined, options: { keep?: boolean; json?: boolean }, command: Command) => {
        using interruption = new Interruption()
        try {
          await using stage = await setStage(address, command, options.keep === true)
          await play(stage, address, options, interruption.signal)
        } catch (error) {
          interruption.throwIfInterrupted()
          throw error
        }
      },
    )
  addDemoMember(program)
}

async function play(
  stage: Stage,
  address: string | undefined,
  { keep = false, json = false }: { readonly keep?: boolean; readonly json?: boolean },
  signal: AbortSignal,
): Promise<void> {
  const { streams, backend, topic, replayed, group } = stage
  const say = async (what: string, text: string): Promise<void> => {
    if (!json) await writeAll(`  ${what.padEnd(10)} ${text}\n`)
  }
  const quakes = loadQuakes()
  const networks = new Set(quakes.map(({ net }) => net)).size
  const started = performance.now()
  const fate = keep
    ? 'kept'
    : address === undefined
      ? 'removed at the end'
      : 'its topics and group are deleted at the end'
  if (!json) await writeAll(`millrace demo on ${backend} (${fate})\n\n`)

  await streams.admin.createTopic({ name: topic, partitions: PARTITIONS })
  await say('created', `${joinAddress(backend, topic).slice(-60)} with ${PARTITIONS} partitions`)

  // two processes wait for work, then it comes
  let progressed = Promise.withResolvers<void>()
  const onReport = (): void => {
    progressed.resolve()
    progressed = Promise.withResolvers()
  }
  const member = (name: string): Worker =>
    new Worker(name, [backend, topic, group, name, String(stage.sessionTimeoutMs)], onReport)
  await using first = member('ada')
  await using second = member('bob')
  const workers = [first, second]
  const shares = await assigned(streams, group, workers, signal)
  await say('started', `2 processes as group "${group.slice(-9)}": ${shares}`)

  const sending = performance.now()
  await using producer = streams.producer()
  await producer.sendRecords(
    quakeTopic(topic),
    quakes.map((value) => ({ value, timestamp: value.time })),
  )
  const sendingMs = performance.now() - sending
  await say(
    'sent',
    `${counted(quakes.length, 'event')}, keyed by network (${networks}), in ${duration(sendingMs)}`,
  )

  const bar = new Progress('processed', { quiet: json })
  const until = async (reached: () => boolean): Promise<void> => {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)])
    const aborted = new Promise<void>((resolve) =>
      deadline.addEventListener('abort', () => resolve(), { once: true }),
    )
    while (!reached()) {
      await Promise.race([progressed.promise, aborted])
      bar.update(seen(workers).size, quakes.length)
      signal.throwIfAborted()
      if (deadline.aborted) throw stuck(workers, quakes)
    }
  }
  const processing = performance.now()
  const doomed = (): Worker | undefined =>
    workers.find(
      (worker) =>
        worker.deliveries.length >= KILL_AFTER &&
        worker.checkpoints.size > 0 &&
        worker.unsaved >= KILL_UNSAVED,
    )
  await until(() => doomed() !== undefined)
  const killed = doomed()!
  const survivor = workers.find((worker) => worker !== killed)!
  await killed.kill()
  const before = survivor.deliveries.length
  await say(
    'killed',
    `${killed.name}, pid ${killed.pid}, with SIGKILL after ${counted(killed.deliveries.length, 'event')}`,
  )
  const orphaned = new Set(killed.deliveries.map(({ partition }) => partition))
  const dying = performance.now()
  await until(() => survivor.deliveries.slice(before).some(({ partition }) => orphaned.has(partition)))
  await say('taken over', `by ${survivor.name}, ${duration(performance.now() - dying)} later`)
  await until(() => seen(workers).size === quakes.length)
  bar[Symbol.dispose]()
  await survivor.stop()
  const processingMs = performance.now() - processing

  const verdict = judge(quakes, killed, survivor, (a, b) => streams.comparePositions(a, b))
  const { processed, lost, twice, forbidden, inversions } = verdict
  await say(
    'processed',
    `${count(processed)} of ${count(quakes.length)} events in ${duration(processingMs)}: ${lost.length === 0 ? 'nothing lost' : `${count(lost.length)} LOST`}`,
  )
  await say(
    'twice',
    `${counted(twice, 'event')}, ${forbidden.length === 0 ? 'all after the last checkpoint' : `${count(forbidden.length)} of them BEFORE the last checkpoint`}`,
  )
  await say(
    'order',
    inversions.length === 0
      ? `held within each of the ${networks} networks`
      : `BROKEN ${count(inversions.length)} times`,
  )

  const day = busiestDay(quakes)
  await streams.admin.createTopic({ name: replayed, partitions: PARTITIONS })
  const replayBar = new Progress('replayed', { quiet: json })
  const report = await replay(
    { streams, topic },
    { streams, topic: replayed },
    {
      from: { timestamp: day },
      until: { timestamp: day + DAY_MS },
      speed: SPEED,
      signal,
      onProgress: ({ records, remaining }) =>
        replayBar.update(records, remaining === undefined ? undefined : records + remaining),
    },
  )
  replayBar[Symbol.dispose]()
  signal.throwIfAborted()
  await say(
    'replayed',
    `${counted(report.records, 'event')} of ${dayName(day, 'long')} in ${duration(report.durationMs)}, ${count(SPEED)} times as fast`,
  )

  const ofDay: Quake[] = []
  for await (const batch of streams.read(quakeTopic(replayed), { until: 'now', signal })) {
    for (const { value } of batch) if (value !== null) ofDay.push(value)
  }
  const expected = quakes.filter(({ time }) => dayOf(time) === day).length
  const ids = seen(workers)
  const found = quakes.filter(({ id }) => ids.has(id))
  const style = styleOf(outputIsTerminal)
  const seconds = duration(performance.now() - started)
  if (json) {
    const killedReport = { name: killed.name, after: killed.deliveries.length }
    const result = {
      sent: quakes.length,
      ...verdict,
      killed: killedReport,
      networks,
      replayed: ofDay.length,
      expected,
      backend,
    }
    await writeAll(`${JSON.stringify(result)}\n`)
  } else {
    await writeAll(`\n${weekChart(found, style)}\n${dayChart(day, ofDay, style)}\n${networkTable(found)}\n`)
    if (keep) await writeAll(`Look around: millrace topics list ${backend}\n`)
  }
  if (lost.length + forbidden.length + inversions.length > 0 || ofDay.length !== expected) {
    throw new StreamError(
      'INTERNAL',
      `the demo found a promise broken, see above. Please report it with --json.`,
    )
  }
  if (!json) await writeAll(`All promises held, in ${seconds}.\n`)
}

/** Ids that were processed, by whichever member. */
function seen(workers: readonly Worker[]): Set<string> {
  return new Set(workers.flatMap(({ deliveries }) => deliveries.map(({ id }) => id)))
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
    const held = members.reduce((sum, { assignments }) => sum + assignments.length, 0)
    if (description?.state !== 'stable' || members.length < workers.length || held < PARTITIONS) continue
    return members
      .map(({ clientId, assignments }) => `${clientId} has ${assignments.length}`)
      .sort()
      .join(', ')
  }
  throw new StreamError('TIMEOUT', `the demo's processes did not share the topic. ${complaintsOf(workers)}`)
}

function stuck(workers: readonly Worker[], quakes: readonly Quake[]): StreamError {
  const missing = quakes.length - seen(workers).size
  return new StreamError(
    'TIMEOUT',
    `${count(missing)} events were not processed within ${duration(DEADLINE_MS)}. ${complaintsOf(workers)}`,
  )
}

function complaintsOf(workers: readonly Worker[]): string {
  const said = workers
    .map(({ name, complaints }) => (complaints ? `${name} said: ${complaints.trim()}` : ''))
    .filter(Boolean)
  return said.length > 0 ? said.join(' ') : 'Run it again with --verbose.'
}
