import type { Kinesis } from '../parts.ts'

/** No stream keeps less. */
const MIN_RETENTION_MS = 24 * 3_600_000

/** Whether what arrived at that time may have left retention. Milliseconds since the epoch. */
export async function hasLeftRetention(kinesis: Kinesis, stream: string, arrival: number): Promise<boolean> {
  const age = kinesis.service.now() - arrival
  if (age < MIN_RETENTION_MS) return false
  return age >= (await kinesis.streams.info(stream)).retentionMs
}
