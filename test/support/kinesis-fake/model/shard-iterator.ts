import { ServiceError } from '../../aws-faults/service-error.ts'

/** What an iterator says; to clients it is text without meaning. */
export interface ShardIterator {
  readonly stream: string
  /** Milliseconds: an iterator of a stream that was deleted and made again is none of the new one's. */
  readonly createdMs: number
  readonly shard: string
  readonly place: number
  readonly issuedMs: number
}

export const writeIterator = (iterator: ShardIterator): string =>
  `AAAAAAAAAAE${Buffer.from(JSON.stringify(iterator)).toString('base64')}`

export function readIterator(text: string): ShardIterator {
  try {
    if (text.startsWith('AAAAAAAAAAE')) {
      return JSON.parse(Buffer.from(text.slice(11), 'base64').toString()) as ShardIterator
    }
  } catch {}
  throw new ServiceError('InvalidArgumentException', 'Invalid ShardIterator.')
}
