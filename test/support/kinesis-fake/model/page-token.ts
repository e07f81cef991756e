import { ServiceError } from '../../aws-faults/service-error.ts'
import type { Settings } from '../options.ts'

/** Where a list goes on; to clients it is text without meaning. */
export const writePageToken = (page: object, nowMs: number): string =>
  Buffer.from(JSON.stringify({ page, issuedMs: nowMs })).toString('base64')

/** Throws ExpiredNextTokenException for one that is as old as an iterator may be. */
export function readPageToken<Page>(
  token: string,
  nowMs: number,
  { iteratorLifeMs }: Pick<Settings, 'iteratorLifeMs'>,
): Page {
  let read: { page: Page; issuedMs: number }
  try {
    read = JSON.parse(Buffer.from(token, 'base64').toString())
  } catch {
    throw new ServiceError('InvalidArgumentException', 'Invalid NextToken.')
  }
  if (nowMs - read.issuedMs > iteratorLifeMs) {
    throw new ServiceError(
      'ExpiredNextTokenException',
      'The pagination token passed to the operation is expired.',
    )
  }
  return read.page
}
