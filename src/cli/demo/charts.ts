import { count, table } from '../human.ts'
import { DAY_MS, dayOf, type Quake } from './quakes.ts'

/** How a chart may look: block characters on a terminal, ASCII elsewhere. */
export interface Style {
  readonly ramp: string
  readonly bar: string
  readonly bold: (text: string) => string
}

export function styleOf(isTerminal: boolean): Style {
  return isTerminal
    ? { ramp: ' ▁▂▃▄▅▆▇█', bar: '█', bold: (text) => `\x1b[1m${text}\x1b[22m` }
    : { ramp: ' .:-=+*#@', bar: '#', bold: (text) => text }
}

const HOURS = 24
const HOUR_MS = 3_600_000

/** A row a day: events and largest magnitude of each hour. */
export function weekChart(quakes: readonly Quake[], style: Style): string {
  const days = [...Map.groupBy(quakes, ({ time }) => dayOf(time))].sort(([a], [b]) => a - b)
  const most = Math.max(...days.flatMap(([day, some]) => byHour(day, some).map((hour) => hour.length)))
  const rows = days.map(([day, some]) => {
    const hours = byHour(day, some)
    const events = spark(
      hours.map((hour) => hour.length),
      most,
      style,
    )
    const magnitudes = spark(
      hours.map((hour) => Math.max(0, largest(hour)?.mag ?? 0)),
      7,
      style,
    )
    const top = largest(some)?.mag ?? 0
    return `  ${dayName(day, 'short').padEnd(10)}  |${events}|  ${count(some.length).padStart(4)}   |${magnitudes}|  ${top.toFixed(1)}`
  })
  const title = `  ${'UTC'.padEnd(10)}   ${'events by hour'.padEnd(24)}   ${' '.repeat(4)}    ${'largest magnitude'.padEnd(24)}`
  return `${style.bold(title.trimEnd())}\n${rows.join('\n')}\n`
}

/** A row an hour of one day: a bar of its events, and the largest of them. */
export function dayChart(day: number, quakes: readonly Quake[], style: Style): string {
  const hours = byHour(day, quakes)
  const most = Math.max(1, ...hours.map((hour) => hour.length))
  const rows = hours.map((hour, i) => {
    const bar = style.bar.repeat(Math.round((hour.length / most) * 26))
    const top = largest(hour)
    const what = top ? `M ${(top.mag ?? 0).toFixed(1)}  ${cut(top.place, 28)}` : ''
    return `  ${String(i).padStart(2, '0')}:00  ${bar.padEnd(26)} ${String(hour.length).padStart(3)}   ${what}`.trimEnd()
  })
  const title = `  ${dayName(day, 'long')}, UTC: ${count(quakes.length)} events by hour, and the largest`
  return `${style.bold(title)}\n${rows.join('\n')}\n`
}

/** A row a network. */
export function networkTable(quakes: readonly Quake[]): string {
  const networks = [...Map.groupBy(quakes, ({ net }) => net)].sort(([, a], [, b]) => b.length - a.length)
  const rows = networks.map(([net, some]) => {
    const top = largest(some)
    return [net, count(some.length), (top?.mag ?? 0).toFixed(1), cut(top?.place ?? '', 48)]
  })
  return table(['network', 'events', 'largest', 'where'], rows).replace(/^/gm, '  ').trimEnd().concat('\n')
}

export function dayName(day: number, weekday: 'short' | 'long'): string {
  const options = { weekday, day: 'numeric', month: weekday, timeZone: 'UTC' } as const
  return new Intl.DateTimeFormat('en-GB', options).format(day).replace(',', '')
}

export function largest(quakes: readonly Quake[]): Quake | undefined {
  return quakes.reduce<Quake | undefined>(
    (top, quake) => ((quake.mag ?? -9) > (top?.mag ?? -9) ? quake : top),
    undefined,
  )
}

function byHour(day: number, quakes: readonly Quake[]): Quake[][] {
  const hours: Quake[][] = Array.from({ length: HOURS }, () => [])
  for (const quake of quakes) {
    if (quake.time >= day && quake.time < day + DAY_MS)
      hours[Math.floor((quake.time - day) / HOUR_MS)]!.push(quake)
  }
  return hours
}

/** A character a value; nothing is blank, and something never is. */
function spark(values: readonly number[], most: number, { ramp }: Style): string {
  const top = ramp.length - 1
  return values
    .map((value) =>
      value === 0 ? ramp[0] : ramp[Math.max(1, Math.min(top, Math.round((value / most) * top)))],
    )
    .join('')
}

function cut(text: string, width: number): string {
  const cells = [...text]
  return cells.length > width ? `${cells.slice(0, width - 3).join('')}...` : text
}
