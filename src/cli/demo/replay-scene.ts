import { replay } from '../../tools/replay.ts'
import { count, counted, duration } from '../human.ts'
import { dayName } from './charts.ts'
import type { Narrator } from './narrator.ts'
import { busiestDay, DAY_MS, type Quake, quakeTopic } from './quakes.ts'
import { makeTopic, type Stage } from './stage.ts'

/** One day passes in three seconds. */
const SPEED = 28_800

export interface ReplayScene {
  readonly day: number
  /** What the replay brought into the other topic. */
  readonly quakes: readonly Quake[]
  /** How many there should be. */
  readonly expected: number
}

/** The busiest day again, in another topic, at its own rhythm but faster. */
export async function playReplay(
  stage: Stage,
  week: readonly Quake[],
  narrator: Narrator,
  signal: AbortSignal,
): Promise<ReplayScene> {
  const { streams, topic, replayed } = stage
  const day = busiestDay(week)
  await makeTopic(stage, replayed)
  const bar = narrator.begin('replayed')
  const report = await replay(
    { streams, topic },
    { streams, topic: replayed },
    {
      // By the events' own times, which within a partition need not be in order: a range would end at the first that is later.
      filter: ({ timestamp }) => timestamp !== undefined && timestamp >= day && timestamp < day + DAY_MS,
      speed: SPEED,
      signal,
      onProgress: ({ records }) => bar.update(records, undefined),
    },
  )
  signal.throwIfAborted()
  const what = `${counted(report.records, 'event')} of ${dayName(day, 'long')}`
  await narrator.say('replayed', `${what} in ${duration(report.durationMs)}, ${count(SPEED)} times as fast`)

  const quakes: Quake[] = []
  for await (const batch of streams.read(quakeTopic(replayed), { until: 'now', signal })) {
    for (const { value } of batch) if (value !== null) quakes.push(value)
  }
  return { day, quakes, expected: week.filter(({ time }) => time >= day && time < day + DAY_MS).length }
}
