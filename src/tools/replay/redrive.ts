import { deadLetterHeaders, type Header, redriveHeaders, StreamError } from '../../index.ts'
import type { ReplayRecord } from './options.ts'

const OURS: ReadonlySet<string> = new Set([
  ...Object.values(deadLetterHeaders),
  // of an earlier redrive after which the record failed again
  ...Object.values(redriveHeaders),
])

export function isDeadLetter(record: ReplayRecord): boolean {
  return record.headers.some(({ name }) => name === deadLetterHeaders.topic)
}

/**
 * The record as it was before it failed: without the headers of dead letters, at its original time; marked with its parking
 * ticket where its key was parked, so that the group takes the queue of that key in order, and with the group where only
 * that one is to handle it. INVALID_ARGUMENT where it came from another topic than `topic`.
 */
export function redrive(
  record: ReplayRecord,
  topic: string,
  { groupOnly }: { readonly groupOnly: boolean },
): ReplayRecord {
  const origin = textHeader(record, deadLetterHeaders.topic)
  const where = `the dead letter at ${record.partition}@${record.position}`
  if (origin !== topic) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `${where} came from topic "${origin}", not "${topic}": replay it to "${origin}", or copy it as it is with --raw.`,
      { partition: record.partition, position: record.position },
    )
  }
  const headers: Header[] = record.headers.filter(({ name }) => !OURS.has(name))
  const ticket = record.headers.findLast(({ name }) => name === deadLetterHeaders.parked)
  if (ticket !== undefined) headers.push({ name: redriveHeaders.parked, value: ticket.value })
  if (groupOnly) {
    const group = record.headers.findLast(({ name }) => name === deadLetterHeaders.group)
    if (group === undefined) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `${where} does not say which group failed: replay without --group-only.`,
        { partition: record.partition, position: record.position },
      )
    }
    headers.push({ name: redriveHeaders.only, value: group.value })
  }
  const written = Number(textHeader(record, deadLetterHeaders.timestamp) ?? Number.NaN)
  return { ...record, headers, timestamp: Number.isSafeInteger(written) ? written : record.timestamp }
}

function textHeader(record: ReplayRecord, name: string): string | undefined {
  const value = record.headers.findLast((header) => header.name === name)?.value
  return value == null ? undefined : Buffer.from(value).toString()
}
