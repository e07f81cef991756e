import { ServiceError } from '../../aws-faults/service-error.ts'

// 56 digits, as the service's: when the shard was opened (49 and 11 digits), the shard (5), the place in it (16), and a tail.
const TAIL = '0138162509906757561090'
const PREFIX_LENGTH = 18
/** The place at which a closed shard ends: beyond every record. */
export const END_PLACE = Number.MAX_SAFE_INTEGER

/** What all sequence numbers of a shard begin with. A child's is greater than its parents', since it is opened later. */
export const sequencePrefix = (openedSecond: number, shardIndex: number): string =>
  `49${String(openedSecond).padStart(11, '6')}${String(shardIndex % 100_000).padStart(5, '0')}`

/** Places are sparse and grow in the order of writing. */
export const sequenceNumber = (prefix: string, place: number): string =>
  prefix + String(place).padStart(16, '0') + TAIL

/** Throws InvalidArgumentException for a number that cannot be one of this shard. */
export function placeOf(number: string, prefix: string, where: string): number {
  if (!/^(0|[1-9]\d{0,128})$/.test(number)) {
    throw new ServiceError(
      'ValidationException',
      `1 validation error detected: Value '${number}' at 'startingSequenceNumber' failed to satisfy constraint: Member must satisfy regular expression pattern: 0|([1-9]\\d{0,128})`,
    )
  }
  if (number.length !== 56 || !number.startsWith(prefix)) {
    throw new ServiceError(
      'InvalidArgumentException',
      `StartingSequenceNumber ${number} used in GetShardIterator on ${where} is invalid because it did not come from this stream.`,
    )
  }
  return Number(number.slice(PREFIX_LENGTH, PREFIX_LENGTH + 16))
}
