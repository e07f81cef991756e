import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Task, Work } from '../harness/contender.ts'
import { counted } from './counted.ts'
import { streamOf } from './open-sdk.ts'

/** Enough to warm a virtual machine up, and to measure after it. */
const RECORDS: Readonly<Record<string, number>> = { KplBench: 600_000, KclBench: 1_500_000 }
/** The first so many of them do not count. */
const WARM_UP_SHARE = 1 / 3

/**
 * KPL or KCL by a program of `java/`, which prints how many records it counted in how many milliseconds. CPU and memory are of the whole run, its
 * start and warm-up included, KPL's native process too.
 */
export async function open(task: Task): Promise<Work> {
  const { settings, valueBytes } = task
  const program = String(settings.program)
  const total = RECORDS[program]!
  const port = program === 'KplBench' ? String(settings.tlsPort) : new URL(String(settings.endpoint)).port
  const args = [port, streamOf(task), String(total), String(valueBytes), String(settings.dynamodb ?? '-')]
  let peakRssMiB = 0
  return {
    round: () =>
      counted(task, async () => {
        const run = await runJava(String(settings.classPath), program, args)
        peakRssMiB = Math.max(peakRssMiB, run.peakRssMiB)
        const [, records, millis] = /^DONE (\d+) (\d+)/m.exec(run.output) ?? []
        if (millis === undefined) throw new Error(`${program} says ${run.output.slice(-2_000)}`)
        return {
          records: total,
          millis: (Number(millis) * total) / Number(records),
          cpuSeconds: run.cpuSeconds,
        }
      }),
    peakRssMiB: () => peakRssMiB,
    close: async () => {},
  }
}

interface JavaRun {
  readonly output: string
  readonly cpuSeconds: number
  readonly peakRssMiB: number
}

/** bash tells what the program and its children took. */
async function runJava(classPath: string, program: string, args: readonly string[]): Promise<JavaRun> {
  const flags = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-Daws.cborEnabled=false']
  const command = ['java', ...flags, '-cp', classPath, program, ...args, String(WARM_UP_SHARE)]
  const watched = [
    `${command.map((part) => `'${part}'`).join(' ')} & pid=$!`,
    'peak=0',
    'while kill -0 $pid 2>/dev/null; do',
    '  sum=0',
    '  for each in $pid $(pgrep -P $pid); do',
    '    while read -r name value _; do [ "$name" = VmRSS: ] && sum=$((sum + value)); done 2>/dev/null </proc/$each/status',
    '  done',
    '  [ $sum -gt $peak ] && peak=$sum',
    '  sleep 0.2',
    'done',
    'wait $pid; code=$?; echo "PEAK $peak"; times; exit $code',
  ].join('\n')
  const child = spawn('bash', ['-c', watched], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output += text
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${output.slice(-3_000)}`)
  const children = output.trim().split('\n').at(-1)!
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => Number(m) * 60 + Number(s))
  return {
    output,
    cpuSeconds: seconds.reduce((sum, part) => sum + part, 0),
    peakRssMiB: Number(/^PEAK (\d+)/m.exec(output)?.[1] ?? 0) / 1024,
  }
}
