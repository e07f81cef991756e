import { type NewRecord, PartialFailureError, type Producer, type SendResult } from '../../index.ts'
import { Acknowledgements } from '../acknowledgements.ts'
import { bytesTopic } from '../bytes-topic.ts'
import { type NumberedRecord, type ReadRecordsOptions, readRecords } from './read-records.ts'

export interface SendLinesOptions extends ReadRecordsOptions {
  /** Send each record to the partition that its line names. Default: false, the key decides. */
  readonly keepPartitions?: boolean | undefined
  /** Called for each acknowledged record in the order of the lines; reading waits for it. */
  readonly onAcknowledged?: ((records: readonly AcknowledgedLine[]) => void | Promise<void>) | undefined
  /** Aborting stops reading; what was read is still sent, and the promise resolves. */
  readonly signal?: AbortSignal | undefined
}

export interface AcknowledgedLine extends SendResult {
  readonly line: number
  /** Where in the input the next line begins. */
  readonly end: number
}

/** How far it came; also while it runs and when it fails. */
export interface SendLinesProgress {
  /** Acknowledged records. */
  sent: number
  /** All lines up to this one are sent or were empty: go on with `skipLines` of this. */
  line: number
  /** Records after `line` that may be sent already: they will be doubled. */
  uncertain: number
}

const CHUNK_RECORDS = 1_000
const CHUNK_BYTES = 1024 * 1024
const CHUNKS_UNDER_WAY = 4

/**
 * Sends JSON Lines to a topic, in order and with bounded memory: at most four chunks of a MiB are under way. Rejects
 * with `BadLineError` at a line that cannot be sent, after everything before it was acknowledged; `progress` then tells
 * where to go on. Errors of the backend likewise.
 */
export async function sendLines(
  producer: Producer,
  topicName: string,
  source: AsyncIterable<Uint8Array>,
  options: SendLinesOptions,
  progress: SendLinesProgress,
): Promise<void> {
  const topic = bytesTopic(topicName)
  const settled = async (
    records: readonly NumberedRecord[],
    results: Iterable<SendResult>,
  ): Promise<void> => {
    const acknowledged: AcknowledgedLine[] = []
    for (const { partition, position } of results) {
      const { line, end } = records[acknowledged.length]!
      acknowledged.push({ line, end, partition, position })
    }
    progress.sent += acknowledged.length
    progress.uncertain -= acknowledged.length
    progress.line = acknowledged.at(-1)?.line ?? progress.line
    await options.onAcknowledged?.(acknowledged)
  }
  const underWay = new Acknowledgements(CHUNKS_UNDER_WAY, settled)

  const send = async (records: NumberedRecord[]): Promise<void> => {
    await underWay.room()
    progress.uncertain += records.length
    const sent = producer.sendRecords(topic, records.map(newRecord)).catch(async (error: unknown) => {
      if (!(error instanceof PartialFailureError)) throw error
      throw new PartlySent(records, error)
    })
    underWay.add(records, sent)
  }
  const newRecord = (record: NumberedRecord): NewRecord<Uint8Array, Uint8Array> => ({
    key: record.key,
    value: record.value,
    headers: record.headers,
    ...(record.timestamp !== undefined && { timestamp: record.timestamp }),
    ...(options.keepPartitions && record.partition !== undefined && { partition: record.partition }),
  })

  try {
    for await (const records of untilAborted(readRecords(source, options), options.signal)) {
      for (const chunk of chunksOf(records)) await send(chunk)
      if (options.signal?.aborted) break
    }
    await underWay.drain()
  } catch (error) {
    if (error instanceof PartlySent) {
      await settled(error.records, error.sentBefore())
      await underWay.abandon()
      throw error.cause
    }
    // a bad line says nothing about what stands before it: that is still sent
    await underWay.drain().catch((failure: unknown) => {
      throw failure instanceof PartlySent ? failure.cause : failure
    })
    throw error
  }
}

/** Keeps a chunk's records beside its error, to tell of those that were sent before the first that failed. */
class PartlySent extends Error {
  readonly records: readonly NumberedRecord[]
  override readonly cause: PartialFailureError

  constructor(records: readonly NumberedRecord[], cause: PartialFailureError) {
    super(cause.message)
    this.records = records
    this.cause = cause
  }

  *sentBefore(): Generator<SendResult> {
    for (const outcome of this.cause.outcomes) {
      if ('error' in outcome) return
      yield outcome
    }
  }
}

function* chunksOf(records: NumberedRecord[]): Generator<NumberedRecord[]> {
  let chunk: NumberedRecord[] = []
  let size = 0
  for (const record of records) {
    const recordBytes = (record.key?.length ?? 0) + (record.value?.length ?? 0)
    if (chunk.length > 0 && (chunk.length === CHUNK_RECORDS || size + recordBytes > CHUNK_BYTES)) {
      yield chunk
      chunk = []
      size = 0
    }
    chunk.push(record)
    size += recordBytes
  }
  if (chunk.length > 0) yield chunk
}

/** Ends quietly where the input ends because the signal destroyed it. */
async function* untilAborted<T>(items: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  try {
    yield* items
  } catch (error) {
    if (!signal?.aborted || (error as { name?: string }).name === 'BadLineError') throw error
  }
}
