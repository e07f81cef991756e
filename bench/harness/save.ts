import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Pace, Row } from './compete.ts'
import type { Case } from './contender.ts'
import type { Machine } from './machine.ts'
import { plotOf } from './plot.ts'
import { tableOf } from './table.ts'

export const RESULTS = path.join(import.meta.dirname, '..', 'results')

/** Writes what a case came to as `<date>-<case>.json`, `.svg` and `.md`. */
export function saveCase(measured: Case, rows: readonly Row[], machine: Machine, pace: Pace, at: Date): void {
  const { name, title, what, unit } = measured
  const stem = path.join(RESULTS, `${at.toISOString().slice(0, 10)}-${name}`)
  mkdirSync(RESULTS, { recursive: true })
  const { rounds, warmUps, roundMs } = measured.pace ?? pace
  const data = {
    case: name,
    title,
    what,
    unit,
    at: at.toISOString(),
    machine,
    rounds,
    warmUps,
    roundMs,
    rows,
  }
  writeFileSync(`${stem}.json`, `${JSON.stringify(data, null, 1)}\n`)
  writeFileSync(`${stem}.svg`, plotOf(measured, rows, noteOf(machine, at)))
  writeFileSync(
    `${stem}.md`,
    `# ${title}\n\n${what}\n\n${noteOf(machine, at)}\n\n${tableOf(measured, rows)}\n`,
  )
}

/** Machine and versions in one line. */
export function noteOf(machine: Machine, at: Date): string {
  const { cpu, cores, memoryGiB, fileSystem, versions, commit } = machine
  const date = `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${fileSystem}; Node ${versions.node}; commit ${commit}; ${date}`
}
