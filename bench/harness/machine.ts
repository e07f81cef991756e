import { execFileSync } from 'node:child_process'
import { readFileSync, statfsSync } from 'node:fs'
import { createRequire } from 'node:module'
import os from 'node:os'
import { KAFKA_IMAGE } from '../kafkajs/start-broker.ts'

/** Where and with what figures were taken. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly system: string
  /** Of the folder for temporary files. */
  readonly fileSystem: string
  /** Processes that wanted to run, on average over the last minute, when the run began. */
  readonly loadBefore: number
  readonly versions: Readonly<Record<string, string>>
  /** With `+` where the work tree was not clean. */
  readonly commit: string
}

const EXT4 = 0xef53
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  [EXT4]: 'ext4',
  16914836: 'tmpfs',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlayfs',
}

export function describeMachine(): Machine {
  const cpus = os.cpus()
  const { type } = statfsSync(os.tmpdir())
  return {
    cpu: cpus[0]?.model.trim() ?? 'unknown',
    cores: cpus.length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    fileSystem: FILE_SYSTEMS[type] ?? `type ${type}`,
    loadBefore: Math.round((os.loadavg()[0] ?? 0) * 100) / 100,
    versions: versions(),
    commit: commit(),
  }
}

function versions(): Record<string, string> {
  const require = createRequire(import.meta.url)
  const installed = (name: string): string => {
    const folder = require.resolve.paths(name)?.find((path) => exists(`${path}/${name}/package.json`))
    return JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')).version
  }
  return {
    millrace: JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version,
    node: process.versions.node,
    v8: process.versions.v8,
    sqlite: process.versions.sqlite ?? 'none',
    lmdb: installed('lmdb'),
    kafkajs: installed('kafkajs'),
    '@platformatic/kafka': installed('@platformatic/kafka'),
    broker: KAFKA_IMAGE,
  }
}

function exists(file: string): boolean {
  try {
    readFileSync(file)
    return true
  } catch {
    return false
  }
}

function commit(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
  try {
    const changed = git(
      'status',
      '--porcelain',
      '--untracked-files=no',
      '--',
      ':/src',
      ':/adapters',
      ':/bench',
    )
    return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : '+'}`
  } catch {
    return 'unknown'
  }
}
