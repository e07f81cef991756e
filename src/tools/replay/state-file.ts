import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type From, type Position, StreamError, type Until } from '../../index.ts'
import { fileError } from '../file-error.ts'

/** What a replay keeps to go on after it was stopped. Everything in it was acknowledged. */
export interface ReplayState {
  readonly version: 1
  /** What is replayed, for the reader of the file and to refuse another replay's. */
  readonly from: string
  readonly to: string
  readonly options: string
  /** The range as it was when the replay first started: an hour ago is another time at each run. */
  readonly range: {
    readonly from?: From | undefined
    readonly starts?: Readonly<Record<string, From | 'end'>> | undefined
    readonly until?: Until | undefined
  }
  /** Fixed when the replay first started: what came later is not part of it. */
  readonly startedAt: number
  /** By partition, the position at which `now` was; null where the backend does not know. Empty for JSON Lines. */
  readonly ends: Readonly<Record<string, Position | null>>
  /** The last acknowledged record of each partition. */
  readonly after: Record<string, Position>
  /** Partitions of which all is acknowledged. */
  readonly done: string[]
  records: number
  /** Bytes written, where the target is a file: what lies after them is cut off before going on. */
  written?: number
  complete: boolean
  /** Saved at a regular stop: nothing was sent since. */
  clean: boolean
  readonly stateEvery: number
}

/** The state in the file; undefined where there is none. INVALID_ARGUMENT where it is another replay's, or none at all. */
export async function loadState(
  path: string,
  wanted: Pick<ReplayState, 'from' | 'to' | 'options'>,
): Promise<ReplayState | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw fileError(error, path, 'read')
  }
  let state: ReplayState
  try {
    state = JSON.parse(text) as ReplayState
  } catch {
    state = {} as ReplayState
  }
  if (
    state.version !== 1 ||
    typeof state.after !== 'object' ||
    typeof state.ends !== 'object' ||
    typeof state.range !== 'object'
  ) {
    throw new StreamError('INVALID_ARGUMENT', `"${path}" is no state of a replay. Name another file.`)
  }
  for (const part of ['from', 'to', 'options'] as const) {
    if (state[part] === wanted[part]) continue
    throw new StreamError(
      'INVALID_ARGUMENT',
      `"${path}" is the state of another replay: its ${part} is ${state[part]}, not ${wanted[part]}. ` +
        'Repeat the command as it was, or name another file.',
    )
  }
  return state
}

/** Replaces the file at once: a kill leaves the old state or the new one, and power loss too. */
export async function saveState(path: string, state: ReplayState): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const file = await open(temporary, 'w')
    try {
      await file.writeFile(`${JSON.stringify(state, undefined, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    if (process.platform === 'win32') return // directories have no handles there
    const directory = await open(dirname(path), 'r')
    await directory.sync().finally(() => directory.close())
  } catch (error) {
    throw fileError(error, path, 'write')
  }
}
