import fs from 'node:fs'
import path from 'node:path'
import { StreamError } from '../../../src/driver.ts'
import { LOCK_NAME } from './lock-file.ts'
import { SOCKET_NAME } from './socket-path.ts'

/** Says that a folder is a log of ours, and in which format. */
const MARKER_NAME = '.millrace'
const FORMAT_VERSION = 1
const OWN_NAMES = new Set([LOCK_NAME, SOCKET_NAME, MARKER_NAME, '.DS_Store', 'lost+found'])

/**
 * The real path of a log's folder, which is created when missing. INVALID_ARGUMENT where it is a file, or holds
 * something that is no log of ours; nothing is written there then. Throws the system's errors.
 */
export function openDirectory(given: string): string {
  const folder = path.resolve(given)
  const stat = fs.statSync(folder, { throwIfNoEntry: false })
  if (stat?.isDirectory() === false) {
    throw new StreamError('INVALID_ARGUMENT', `${folder} is a file: give a folder for the log`)
  }
  if (stat === undefined) makeFolders(folder)
  const real = fs.realpathSync(folder)
  checkMarker(real)
  return real
}

/** Marks the folder as a log; by its holder alone. */
export function markDirectory(folder: string): void {
  if (checkMarker(folder)) return
  fs.writeFileSync(path.join(folder, MARKER_NAME), `${JSON.stringify({ format: FORMAT_VERSION })}\n`)
}

/** Whether the folder is marked. */
function checkMarker(folder: string): boolean {
  const names = fs.readdirSync(folder)
  if (!names.includes(MARKER_NAME)) {
    const foreign = names.filter((name) => !OWN_NAMES.has(name))
    if (foreign.length === 0) return false
    throw new StreamError(
      'INVALID_ARGUMENT',
      `${folder} holds ${foreign.slice(0, 3).join(', ')} and no log of millrace: give an empty or a new folder`,
    )
  }
  const format = readFormat(path.join(folder, MARKER_NAME))
  if (format === FORMAT_VERSION) return true
  throw new StreamError(
    'UNSUPPORTED',
    `${folder} has the log format ${format}, this millrace knows ${FORMAT_VERSION}: use the version that wrote it`,
  )
}

function readFormat(file: string): unknown {
  const text = fs.readFileSync(file, 'utf8')
  try {
    return (JSON.parse(text) as { format?: unknown }).format
  } catch {
    // Cut off by a crash while it was written: it had only one content.
    return text.trim() === '' ? FORMAT_VERSION : text.trim()
  }
}

/** One by one: `recursive` of Node never returns where a folder can be named and not made, as below `/proc`. */
function makeFolders(folder: string): void {
  const parent = path.dirname(folder)
  if (parent !== folder && !fs.existsSync(parent)) makeFolders(parent)
  try {
    fs.mkdirSync(folder)
  } catch (error) {
    // Another process may have been quicker.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
