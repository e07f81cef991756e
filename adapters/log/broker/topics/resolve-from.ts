import { StreamError } from '../../../../src/driver.ts'
import type { PlainFrom } from '../broker-api.ts'
import type { Partition } from './partition.ts'

/**
 * The offset at which reading begins. `latest` is the last stable offset, so that what is committed from now on is
 * seen. INVALID_ARGUMENT for a position beyond the end; one below the start is returned as it is, for the
 * reader to find it expired.
 */
export async function resolveFrom(partition: Partition, from: PlainFrom): Promise<number> {
  const { log } = partition
  if (from === 'earliest') return log.startOffset
  if (from === 'latest') return partition.stable
  if ('timestamp' in from) return Math.min(await log.offsetForTimestamp(from.timestamp), partition.stable)
  const offset = 'at' in from ? from.at : from.after + 1
  checkPosition(partition, offset)
  return offset
}

/** INVALID_ARGUMENT where the offset is beyond the partition's end. */
export function checkPosition({ topic, id, log }: Partition, offset: number): void {
  if (offset <= log.endOffset) return
  throw new StreamError(
    'INVALID_ARGUMENT',
    `position ${offset} is beyond the end of partition ${id} of '${topic}': its next record will have ${log.endOffset}`,
    { topic, partition: id, position: String(offset) },
  )
}

/** INVALID_ARGUMENT for a checkpoint that is no offset up to the end: one beyond it would skip what is still to come. */
export function checkReach({ topic, id, log }: Partition, checkpoint: number): void {
  if (Number.isSafeInteger(checkpoint) && checkpoint >= 0 && checkpoint <= log.endOffset) return
  throw new StreamError(
    'INVALID_ARGUMENT',
    `checkpoint ${checkpoint} is not within partition ${id} of '${topic}', which ends at ${log.endOffset}: ` +
      'use the checkpoints that came with its batches',
    { topic, partition: id },
  )
}
