import { crc32c } from '../crc32c.ts'
import { encodeBatch } from './encode.ts'
import { ATTRIBUTES, CONTROL, CRC, isControl } from './header.ts'
import { indexBatch } from './record-index.ts'

export interface ControlMarker {
  readonly type: 'commit' | 'abort'
  /** The epoch of the transaction coordinator that wrote it. */
  readonly coordinatorEpoch: number
}

export interface ControlBatchOptions extends ControlMarker {
  readonly producerId: number
  readonly producerEpoch: number
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  readonly baseOffset: number
}

const ABORT = 0
const COMMIT = 1

/**
 * The batch of one control record that ends a producer's transaction, byte for byte Kafka's
 * `EndTransactionMarker`: key int16 version 0 and int16 type, value int16 version 0 and int32 coordinator
 * epoch.
 */
export function encodeControlBatch(options: ControlBatchOptions): Buffer {
  const { type, coordinatorEpoch, timestamp, baseOffset, producerId, producerEpoch } = options
  const key = Buffer.alloc(4)
  key.writeInt16BE(type === 'commit' ? COMMIT : ABORT, 2)
  const value = Buffer.alloc(6)
  value.writeInt32BE(coordinatorEpoch, 2)
  const record = { key, value, headers: [], timestamp, partition: undefined }
  const batch = encodeBatch([record], undefined, 0, 1, {
    timestamp,
    baseOffset,
    producerId,
    producerEpoch,
    transactional: true,
  })
  batch.writeInt16BE(batch.readInt16BE(ATTRIBUTES) | CONTROL, ATTRIBUTES)
  batch.writeUInt32BE(crc32c(batch, ATTRIBUTES), CRC)
  return batch
}

/**
 * What the control batch at `at` says; undefined for data, and for control records other than the end of a
 * transaction.
 */
export function readControlMarker(buffer: Buffer, at: number): ControlMarker | undefined {
  if (!isControl(buffer, at)) return undefined
  const { bytes, count, slots } = indexBatch(buffer, at)
  if (count === 0 || slots[1]! < 4 || slots[3]! < 6) return undefined
  const type = bytes.readInt16BE(slots[0]! + 2)
  if (type !== ABORT && type !== COMMIT) return undefined
  return {
    type: type === COMMIT ? 'commit' : 'abort',
    coordinatorEpoch: bytes.readInt32BE(slots[2]! + 2),
  }
}
