import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { fileError } from '../file-error.ts'
import { readRecords } from '../json-lines/read-records.ts'
import { LINES, type ReplayOptions, type ReplayRecord } from './options.ts'
import type { ReplayState } from './state-file.ts'
import type { ReplaySource } from './topic-source.ts'

/** The records of a JSON Lines file, or of standard input for `-`, in their order. A position is `<line>:<end of the line>`. */
export async function openLinesSource(
  path: string,
  options: ReplayOptions,
  state: ReplayState | undefined,
): Promise<ReplaySource> {
  const after = placeOf(state?.after[LINES])
  const isFile = path !== '-'
  let size: number | undefined
  if (isFile) {
    const found = await stat(path).catch((error: unknown) => {
      throw fileError(error, path, 'read')
    })
    if (found.isFile()) size = found.size
  }
  // a file goes on where it stopped; a pipe begins anew, and its lines are read over
  const seekable = size !== undefined && after !== undefined
  const stream = isFile
    ? createReadStream(path, { highWaterMark: 1024 * 1024, ...(seekable && { start: after.end }) })
    : process.stdin
  const ended = new Error('the replay ended')
  options.signal?.addEventListener('abort', () => stream.destroy(), { once: true })

  let read = after?.end ?? 0
  let given = 0
  let exhausted = false
  return {
    ends: {},
    get exhausted() {
      return exhausted ? [LINES] : []
    },
    get given() {
      return given
    },
    get remaining() {
      if (size === undefined || given === 0) return undefined
      const started = seekable ? after.end : 0
      return read === started ? undefined : Math.round(((size - read) * given) / (read - started))
    },
    async *chunks() {
      const records = readRecords(stream, {
        mode: 'records',
        ...(seekable ? { after } : { skipLines: Math.max(options.skipLines ?? 0, after?.number ?? 0) }),
      })
      try {
        for await (const some of records) {
          const { end } = some.at(-1)!
          given += some.length
          read = end
          yield* inChunks(
            some.map((record): ReplayRecord => {
              return {
                partition: LINES,
                position: `${record.line}:${record.end}`,
                key: record.key,
                value: record.value,
                headers: record.headers,
                timestamp: record.timestamp,
                targetPartition: options.keepPartitions ? record.partition : undefined,
              }
            }),
          )
        }
        exhausted = true
      } catch (error) {
        if (options.signal?.aborted) return
        throw 'syscall' in (error as object) ? fileError(error, path, 'read') : error
      }
    },
    async close() {
      if (!stream.readableEnded) stream.once('error', () => {}).destroy(isFile ? undefined : ended)
    },
  }
}

function* inChunks(records: readonly ReplayRecord[]): Generator<readonly ReplayRecord[]> {
  for (let at = 0; at < records.length; at += 1_000) yield records.slice(at, at + 1_000)
}

function placeOf(position: string | undefined): { number: number; end: number } | undefined {
  if (position === undefined) return undefined
  const [number, end] = position.split(':').map(Number)
  return { number: number!, end: end! }
}
