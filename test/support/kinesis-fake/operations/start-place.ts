import { ServiceError } from '../../aws-faults/service-error.ts'
import { placeOf } from '../model/sequence-numbers.ts'
import type { Shard } from '../model/shard.ts'
import type { Stream } from '../model/stream.ts'
import { required } from './required.ts'

export interface StartInput {
  readonly type: string
  readonly number: string | undefined
  /** Seconds. */
  readonly timestamp: number | undefined
}

/** Where a reader of the shard begins: a trimmed place stands for the oldest record, in silence. */
export function startPlace(stream: Stream, shard: Shard, start: StartInput, nowMs: number): number {
  switch (start.type) {
    case 'TRIM_HORIZON':
      return 0
    case 'LATEST':
      return shard.lastPlace + 1
    case 'AT_SEQUENCE_NUMBER':
    case 'AFTER_SEQUENCE_NUMBER': {
      if (start.number === undefined) {
        throw new ServiceError(
          'InvalidArgumentException',
          `Must either specify timestamp or sequence number for ${start.type}.`,
        )
      }
      const place = placeOf(start.number, shard.prefix, `shard ${shard.id} in ${stream.where}`)
      return start.type === 'AT_SEQUENCE_NUMBER' ? place : place + 1
    }
    case 'AT_TIMESTAMP': {
      required({ Timestamp: start.timestamp }, 'Timestamp')
      const ms = Math.round(start.timestamp! * 1_000)
      if (ms > nowMs) {
        throw new ServiceError(
          'InvalidArgumentException',
          `The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: ${ms}, currentTimestampInMillis: ${nowMs}`,
        )
      }
      return shard.placeAtTime(ms)
    }
    default:
      throw new ServiceError(
        'ValidationException',
        `1 validation error detected: Value '${start.type}' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]`,
      )
  }
}
