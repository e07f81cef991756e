import { existsSync, readFileSync } from 'node:fs'
import { json, StreamError, topic } from '../../index.ts'

/** One event of the USGS feed, as `examples/data/earthquakes.jsonl` has it. */
export interface Quake {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly time: number
  /** The seismic network that reported it. */
  readonly net: string
  readonly mag: number | null
  readonly place: string
}

export function quakeTopic(name: string) {
  return topic(name, { value: json<Quake>(), key: (quake) => quake.net })
}

/** The week of events that comes with the package, oldest first. */
export function loadQuakes(): readonly Quake[] {
  // src/cli/demo in the repository, dist/src/cli/demo in the package: the data stands beside the one or the other
  for (let place = new URL('.', import.meta.url); place.pathname !== '/'; place = new URL('..', place)) {
    const file = new URL('examples/data/earthquakes.jsonl', place)
    if (!existsSync(file)) continue
    return readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Quake)
  }
  throw new StreamError(
    'NOT_FOUND',
    'examples/data/earthquakes.jsonl is not beside this program. Install the package again.',
  )
}

export const DAY_MS = 86_400_000

export function dayOf(time: number): number {
  return Math.floor(time / DAY_MS) * DAY_MS
}

/** The day, UTC, with the most events. */
export function busiestDay(quakes: readonly Quake[]): number {
  const days = Map.groupBy(quakes, ({ time }) => dayOf(time))
  return [...days].reduce((most, day) => (day[1].length > most[1].length ? day : most))[0]
}
