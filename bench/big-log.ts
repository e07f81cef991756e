// `node bench/big-log.ts [--gigabytes N] [--dir DIR]`: how long a large log takes to open, after a clean close and after kill -9,
// and how much memory replaying all of it takes. Each step runs in a process of its own.
import { fork } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { Report, Step } from './big-log/step.ts'
import { describeMachine } from './harness/machine.ts'
import { noteOf, RESULTS } from './harness/save.ts'

const STEP = path.join(import.meta.dirname, 'big-log', 'step.ts')

const { values } = parseArgs({
  options: { gigabytes: { type: 'string', default: '5' }, dir: { type: 'string', default: os.tmpdir() } },
})
const bytes = Number(values.gigabytes) * 1e9
const began = new Date()
const machine = describeMachine()
const folder = mkdtempSync(path.join(values.dir, 'millrace-big-log-'))
process.stdout.write(`${noteOf(machine, began)}\n`)
try {
  const fill = await step({ kind: 'fill', folder, bytes })
  say(
    'written',
    `${gigabytes(await sizeOf(folder))} GB, ${fill.records.toLocaleString('en')} records of 256 B`,
    fill,
  )
  const clean = await step({ kind: 'open', folder })
  say(
    'opened after a clean close',
    `${clean.openMs.toFixed(0)} ms, first record after ${clean.firstMs.toFixed(0)} ms`,
    clean,
  )
  await step({ kind: 'crash', folder })
  const crashed = await step({ kind: 'open', folder })
  say(
    'opened after kill -9',
    `${crashed.openMs.toFixed(0)} ms, first record after ${crashed.firstMs.toFixed(0)} ms`,
    crashed,
  )
  const read = await step({ kind: 'read', folder })
  say('replayed by read', rateOf(read), read)
  const group = await step({ kind: 'group', folder })
  say('replayed by a group, batch handler', rateOf(group), group)
  save({ fill, clean, crashed, read, group })
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Runs one step; the one that crashes is killed when it says that it is ready. */
function step(task: Step): Promise<Report> {
  return new Promise((resolve, reject) => {
    let report: Report | undefined
    const child = fork(STEP, [JSON.stringify(task)])
    child.on('message', (message: Report) => {
      report = message
      if (task.kind === 'crash') child.kill('SIGKILL')
    })
    child.on('exit', (code, signal) => {
      if (report !== undefined) resolve(report)
      else reject(new Error(`the step "${task.kind}" ended with ${signal ?? code}`))
    })
  })
}

function save(steps: Readonly<Record<string, Report>>): void {
  mkdirSync(RESULTS, { recursive: true })
  const file = path.join(RESULTS, `${began.toISOString().slice(0, 10)}-big-log.json`)
  writeFileSync(
    file,
    `${JSON.stringify({ case: 'big-log', at: began.toISOString(), bytes, machine, steps }, null, 1)}\n`,
  )
}

async function sizeOf(root: string): Promise<number> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.reduce((sum, entry) => sum + statSync(path.join(entry.parentPath, entry.name)).size, 0)
}

function rateOf({ records, millis }: Report): string {
  return `${((records / millis) * 1000).toLocaleString('en', { maximumSignificantDigits: 3 })} records/s`
}

function gigabytes(size: number): string {
  return (size / 1e9).toFixed(2)
}

function say(what: string, figures: string, { peakRssMiB }: Report): void {
  process.stdout.write(`${what.padEnd(36)} ${figures}; peak ${peakRssMiB.toFixed(0)} MiB\n`)
}
