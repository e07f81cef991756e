import { type FileHandle, open } from 'node:fs/promises'
import type { NewRecord, Streams } from '../../index.ts'
import { bytesTopic } from '../bytes-topic.ts'
import { fileError } from '../file-error.ts'
import { encodeLine } from '../json-lines/encode-line.ts'
import { writeAll } from '../standard-output.ts'
import { LINES, type ReplayRecord } from './options.ts'

/** Where a replay's records go. */
export interface ReplaySink {
  /** Sends that may be under way at once. */
  readonly concurrency: number
  /** Resolves when acknowledged. Calls keep their order, awaited or not, up to `concurrency`. */
  send(records: readonly ReplayRecord[]): Promise<void>
  /** Makes durable what was acknowledged, before the state says so. The length of the file, where it is one. */
  sync(): Promise<number | undefined>
  /** The file will be cut back to what the state says, so nothing comes twice. */
  readonly cutsBack: boolean
  close(): Promise<void>
}

export function openTopicSink(streams: Streams, topicName: string): ReplaySink {
  const topic = bytesTopic(topicName)
  const producer = streams.producer()
  return {
    concurrency: 4,
    cutsBack: false,
    async send(records) {
      await producer.sendRecords(topic, records.map(newRecord))
    },
    async sync() {
      return undefined
    },
    close: () => producer.close(),
  }
}

function newRecord(record: ReplayRecord): NewRecord<Uint8Array, Uint8Array> {
  return {
    key: record.key,
    value: record.value,
    headers: record.headers,
    ...(record.timestamp !== undefined && { timestamp: record.timestamp }),
    ...(record.targetPartition !== undefined && { partition: record.targetPartition }),
  }
}

/**
 * A file gets JSON Lines. With `resumeAt` what is there is kept up to that length and cut off after it; without, a file that is
 * there is refused unless `overwrite`.
 */
export async function openFileSink(
  path: string,
  { resumeAt, overwrite }: { readonly resumeAt: number | undefined; readonly overwrite: boolean },
): Promise<ReplaySink> {
  let file: FileHandle
  let written = resumeAt ?? 0
  try {
    file = await open(path, resumeAt !== undefined ? 'r+' : overwrite ? 'w' : 'wx')
    if (resumeAt !== undefined) await file.truncate(resumeAt)
  } catch (error) {
    throw fileError(error, path, 'write')
  }
  return {
    concurrency: 1,
    cutsBack: true,
    async send(records) {
      const bytes = linesOf(records)
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await file
          .write(bytes, at, bytes.length - at, written + at)
          .catch((error: unknown) => {
            throw fileError(error, path, 'write')
          })
        at += bytesWritten
      }
      written += bytes.length
    },
    async sync() {
      await file.sync()
      return written
    },
    close: () => file.close(),
  }
}

/** Standard output gets JSON Lines; it cannot be cut back, so after a kill some may come again. */
export function openOutputSink(): ReplaySink {
  return {
    concurrency: 1,
    cutsBack: false,
    send: (records) => writeAll(linesOf(records)),
    async sync() {
      return undefined
    },
    async close() {},
  }
}

function linesOf(records: readonly ReplayRecord[]): Buffer {
  const lines = records.map((record) => {
    // a place in a JSON Lines source says nothing in another file
    const fromLines = record.partition === LINES
    return encodeLine({
      ...record,
      partition: fromLines ? record.targetPartition : record.partition,
      position: fromLines ? undefined : record.position,
    })
  })
  return Buffer.from(`${lines.join('\n')}\n`)
}
