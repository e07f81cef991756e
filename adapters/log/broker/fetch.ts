import { StreamError } from '../../../src/driver.ts'
import { batchSize, lastOffset } from '../../../src/formats/record-batch/index.ts'
import type { FetchRequest, FetchResult } from './broker-api.ts'
import type { Partition } from './topics/partition.ts'
import { checkPosition } from './topics/resolve-from.ts'

const NOTHING = Buffer.alloc(0)

/** Reads whole batches from the one that holds the offset on, waiting for some if need be. See `BrokerApi.fetch`. */
export async function fetchFrom(
  partition: Partition,
  request: FetchRequest,
  signal: AbortSignal | undefined,
): Promise<FetchResult> {
  const { offset, maxBytes, maxWaitMs, committed } = request
  const { log } = partition
  const giveUpAt = maxWaitMs === null ? Number.POSITIVE_INFINITY : performance.now() + maxWaitMs
  for (;;) {
    if (partition.deleted) throw deleted(partition)
    if (partition.closed) throw new StreamError('CLOSED', 'the log is closed: connect again')
    checkPosition(partition, offset)
    if (offset < log.startOffset) throw expired(partition, offset)
    const limit = committed ? partition.stable : log.endOffset
    if (offset < limit) {
      const bytes = await read(partition, offset, maxBytes, limit)
      const aborted = committed ? log.abortedTransactions(offset, endOf(bytes)) : []
      return { bytes, aborted, ...bounds(partition, limit) }
    }
    const left = giveUpAt - performance.now()
    if (partition.complete || left <= 0 || signal?.aborted === true) {
      return { bytes: NOTHING, aborted: [], ...bounds(partition, limit) }
    }
    await partition.changed(maxWaitMs === null ? null : left, signal)
  }
}

/** The offset after the last batch. */
function endOf(bytes: Buffer): number {
  let end = 0
  for (let at = 0; at < bytes.length; at += batchSize(bytes, at)) end = lastOffset(bytes, at) + 1
  return end
}

function deleted({ topic, id }: Partition): StreamError {
  return new StreamError('NOT_FOUND', `topic '${topic}' was deleted: create it again, or stop reading it`, {
    topic,
    partition: id,
  })
}

async function read(partition: Partition, offset: number, maxBytes: number, limit: number): Promise<Buffer> {
  try {
    return await partition.log.read(offset, maxBytes, limit)
  } catch (error) {
    // Retention or deletion may have come between the check and the read.
    if (partition.deleted) throw deleted(partition)
    if (offset < partition.log.startOffset) throw expired(partition, offset)
    throw error
  }
}

/** `stable` as it was when the limit of the read was taken: what came since has not been looked at. */
function bounds(partition: Partition, limit: number): Omit<FetchResult, 'bytes' | 'aborted'> {
  const { startOffset, endOffset } = partition.log
  return {
    start: startOffset,
    end: endOffset,
    stable: Math.min(limit, partition.stable),
    ended: partition.complete,
  }
}

function expired({ topic, id, log }: Partition, offset: number): StreamError {
  return new StreamError(
    'POSITION_EXPIRED',
    `position ${offset} of partition ${id} of '${topic}' was removed by retention, the first one kept is ` +
      `${log.startOffset}: resume from 'earliest', or keep records longer`,
    { topic, partition: id, position: String(offset) },
  )
}
