import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { Until } from '../index.ts'
import { backendAddress, isAddress, topicAddress } from '../tools/address.ts'
import { LINES } from '../tools/replay/options.ts'
import { type ReplayOptions, type ReplayReport, replay } from '../tools/replay.ts'
import { writeAll } from '../tools/standard-output.ts'
import { parsedBy, UsageError } from './failure.ts'
import { bytes, count, counted, duration, time } from './human.ts'
import { Interruption } from './interruption.ts'
import { parseCount, parseSpeed, parseStart, parseUntil, resumeStart, type Start } from './moments.ts'
import { connectOptions, refuseMissingLog } from './open-backend.ts'
import { Progress } from './progress.ts'
import { outputIsTerminal } from './terminal.ts'

interface Options {
  readonly from?: Start
  readonly until?: Until
  readonly partition?: string[]
  readonly speed?: number
  readonly rate?: number
  readonly key?: string[]
  readonly dryRun?: boolean
  readonly state?: string
  readonly stateEvery: number
  readonly keepPartitions?: boolean
  readonly raw?: boolean
  readonly groupOnly?: boolean
  readonly overwrite?: boolean
  readonly skipLines: number
  readonly json?: boolean
}

export function addReplay(program: Command): void {
  program
    .command('replay')
    .description(
      'copy what a stream holds to another stream, or to JSON Lines and back; send dead letters back to their origin',
    )
    .argument('<from>', 'address with topic, JSON Lines file, or "-"', parsedBy(endArgument))
    .argument('<to>', 'address with topic, JSON Lines file, or "-"', parsedBy(endArgument))
    .option('--from <start>', 'earliest, a time, -1h, @POSITION, or 0=@17+,1=earliest', parsedBy(parseStart))
    .option('--until <end>', 'now (as it starts), a time, @POSITION', parsedBy(parseUntil))
    .option('--partition <id...>', 'these partitions only')
    .option('--key <key...>', 'records of these keys only')
    .option('--speed <factor>', 'times as fast as it was written: 10x, 0.5x, max', parsedBy(parseSpeed))
    .option('--rate <n>', 'records a second', parsedBy(parseCount))
    .option('--dry-run', 'count and estimate, send nothing')
    .option('--state <file>', 'keep there how far it came, and go on from it')
    .option(
      '--state-every <n>',
      'so many records at most come again after a kill',
      parsedBy(parseCount),
      10_000,
    )
    .option('--keep-partitions', 'send to the partition of the same id, not by key')
    .option('--raw', 'copy dead letters as they are')
    .option('--group-only', 'dead letters go to the group alone that failed on them')
    .option(
      '--skip-lines <n>',
      'read over so many lines of JSON Lines',
      parsedBy((text) => parseCount(text, 0)),
      0,
    )
    .option('--overwrite', 'replace the file that is there')
    .option('--json', 'the report in JSON')
    .action(async (from: string, to: string, options: Options, command: Command) => {
      for (const end of [from, to]) if (isAddress(end)) refuseMissingLog(topicAddress(end).backend)
      using interruption = new Interruption()
      using bar = new Progress('replayed', { quiet: to === '-' && outputIsTerminal })
      const report = await replay(from, to, {
        ...replayOptions(options),
        connect: connectOptions(command),
        signal: interruption.signal,
        onProgress: ({ records, remaining }) =>
          bar.update(records, remaining === undefined ? undefined : records + remaining),
        onFailed: (report) => {
          bar.hide()
          if (to !== '-' && report.records > 0) tellWhereToGoOn(report, options)
        },
        onResume: ({ records, mayRepeat }) => {
          const again =
            mayRepeat > 0 ? `at most ${counted(mayRepeat, 'record')} may come again` : 'none comes again'
          process.stderr.write(`millrace: going on after ${counted(records, 'record')}; ${again}\n`)
        },
      })
      bar[Symbol.dispose]()
      // the records have standard output to themselves
      const say = (text: string) => (to === '-' ? void process.stderr.write(text) : writeAll(text))
      await say(options.json ? `${JSON.stringify(report)}\n` : textOf(report, options))
      if (report.ended === 'interrupted' && !options.dryRun) tellWhereToGoOn(report, options)
      interruption.throwIfInterrupted()
    })
}

function endArgument(text: string): string {
  if (isAddress(text)) topicAddress(text)
  else if (text !== '-' && !/\.\w+$/.test(text) && !existsSync(text)) backendAddress(text) // `orders`: which is meant?
  return text
}

function replayOptions(options: Options): ReplayOptions {
  const { from, key, ...rest } = options
  if (options.speed !== undefined && options.rate !== undefined) {
    throw new UsageError('--speed and --rate exclude each other')
  }
  const place = [from?.from, options.until].find((one) => typeof one === 'object' && !('timestamp' in one))
  if (place !== undefined && options.partition?.length !== 1) {
    throw new UsageError('a position belongs to one partition: add --partition ID')
  }
  return {
    from: from?.from,
    starts: from?.starts,
    until: rest.until,
    partitions: rest.partition,
    keys: key,
    speed: rest.speed,
    rate: rest.rate,
    dryRun: rest.dryRun,
    state: rest.state,
    stateEvery: rest.stateEvery,
    keepPartitions: rest.keepPartitions,
    raw: rest.raw,
    groupOnly: rest.groupOnly,
    overwrite: rest.overwrite,
    skipLines: rest.skipLines,
  }
}

function textOf(report: ReplayReport, options: Options): string {
  if (report.ended === 'already') {
    return `complete already: ${counted(report.resumedAfter, 'record')}. Delete ${options.state} to replay again\n`
  }
  const what = `${counted(report.records, 'record')} (${bytes(report.bytes)})`
  const filtered = report.filtered > 0 ? `, ${count(report.filtered)} of other keys` : ''
  if (!options.dryRun) {
    const back = report.redriven > 0 ? `, ${counted(report.redriven, 'dead letter')} sent back` : ''
    return `replayed ${what} in ${duration(report.durationMs)}${back}${filtered}\n`
  }
  const { oldest, newest } = report
  const lines = [`would replay ${what}${filtered}`]
  if (oldest !== undefined && newest !== undefined) {
    lines.push(`from ${time(oldest)} to ${time(newest)}, ${duration(newest - oldest)}`)
  }
  lines.push(`estimate: ${estimate(report, options)}`)
  return `${lines.join('\n')}\n`
}

function estimate(
  { records, oldest = 0, newest = 0, durationMs }: ReplayReport,
  { speed, rate }: Options,
): string {
  if (speed !== undefined) return `${duration((newest - oldest) / speed)} at ${speed}x`
  if (rate !== undefined) return `${duration((records / rate) * 1_000)} at ${count(rate)} records/s`
  return `reading alone took ${duration(durationMs)}; writing comes on top`
}

function tellWhereToGoOn(report: ReplayReport, options: Options): void {
  const sent = `stopped after ${counted(report.records, 'record')}`
  process.stderr.write(`millrace: ${sent}. To go on: ${resumeHint(report, options)}\n`)
}

function resumeHint(report: ReplayReport, { state }: Options): string {
  if (state !== undefined) return `the same command, with --state ${state}`
  const lines = report.after[LINES]
  if (lines !== undefined) return `--skip-lines ${lines.split(':')[0]}`
  const after = Object.entries(report.after).map(([id, position]) => [id, { after: position }] as const)
  if (after.length === 0) return 'the same command, nothing was sent'
  return `--from ${resumeStart(new Map(after))} (and --state FILE next time, which keeps it for you)`
}
