import { randomUUID } from 'node:crypto'

const PATTERN = /^millrace-(\d{1,9})-/

/** Members of KIP-848 name themselves. The number says how often a static member has come back; it is 0 of others. */
export const newMemberId = (incarnation: number): string => `millrace-${incarnation}-${randomUUID()}`

/** Undefined of a member of another library. */
export function incarnationOf(memberId: string): number | undefined {
  const match = PATTERN.exec(memberId)
  return match === null ? undefined : Number(match[1])
}
