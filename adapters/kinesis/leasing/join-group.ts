import { type JoinOptions, StreamError } from '../../../src/driver.ts'
import type { JoinGroup } from '../parts.ts'
import { retrying } from '../service/retrying.ts'
import { monotonicClock } from './clock.ts'
import { findStart } from './find-start.ts'
import type { LeaseStores } from './lease-stores.ts'
import { LeaseMember } from './member.ts'
import { plainFrom } from './plain-from.ts'

const PATIENCE_MS = 20_000

/** Joins groups whose leases are in `stores`. */
export const joinGroupIn =
  (stores: LeaseStores): JoinGroup =>
  async (kinesis, options, events, onClose) => {
    check(options)
    const from = plainFrom(options.from)
    const parts = {
      kinesis,
      table: stores.table(options.group),
      clock: monotonicClock,
      findStart: (topic: string, shard: Parameters<typeof findStart>[2], start: typeof from) =>
        findStart(kinesis, topic, shard, start),
      random: Math.random,
    }
    return retrying(() => LeaseMember.join(parts, options, from, events, onClose), {
      deadline: performance.now() + PATIENCE_MS,
    })
  }

function check({ group, topics, sessionTimeoutMs, drainTimeoutMs }: JoinOptions): void {
  const complain = (what: string): never => {
    throw new StreamError('INVALID_ARGUMENT', what)
  }
  if (group === '') complain('a group without a name: give it one')
  if (topics.length === 0) complain(`group '${group}' without topics: give at least one`)
  if (!(sessionTimeoutMs > 0)) complain(`sessionTimeoutMs ${sessionTimeoutMs}: give milliseconds above 0`)
  if (!(drainTimeoutMs >= 0)) complain(`drainTimeoutMs ${drainTimeoutMs}: give milliseconds, 0 or more`)
}
