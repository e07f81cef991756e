import { StreamError } from '../../../src/driver.ts'
import type { ShardMap } from '../shards/stream-catalog.ts'
import type { Lease } from './lease.ts'

/** How a topic's leases are named in a group's table, and which are its own. */
export interface TopicKeys {
  readonly topic: string
  /** `account:stream:creation`, as KCL has it. */
  readonly stream: string
  keyOf(shard: string): string
  owns(lease: Lease): boolean
  /** Of an earlier stream of that name: nothing in it is of use. */
  isOutdated(lease: Lease): boolean
}

const ARN = /^arn:[^:]*:kinesis:[^:]*:(\d+):stream\/(.+)$/

/** `account:stream:creation`. */
export function streamIdentifier({ arn, stream, createdAt }: ShardMap): string {
  return `${ARN.exec(arn)?.[1] ?? '0'}:${stream}:${createdAt}`
}

/**
 * A group that has only ever read one topic names its leases by bare shard ids, as a KCL application of one stream does; all others use KCL's
 * multi-stream keys. A topic that began one way stays with it. `alone`: the member reads no other topic. INVALID_ARGUMENT where it
 * cannot be told whose the bare ids are.
 */
export function topicKeys(map: ShardMap, leases: readonly Lease[], alone: boolean): TopicKeys {
  const stream = streamIdentifier(map)
  const [account, name] = stream.split(':') as [string, string]
  const isMulti = ({ key, shard }: Lease): boolean => key !== shard
  const sameName = (lease: Lease): boolean => lease.stream?.startsWith(`${account}:${name}:`) === true
  const bare = leases.filter((lease) => !isMulti(lease))
  const others = leases.filter((lease) => isMulti(lease) || !(sameName(lease) || lease.stream === undefined))
  let single: boolean
  if (bare.some(sameName)) single = true
  else if (leases.some((lease) => isMulti(lease) && sameName(lease))) single = false
  else if (bare.some((lease) => lease.stream === undefined)) {
    if (!alone) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        `the group's leases are those of a KCL application of one stream, and do not say of which: let its members read one topic, or give the group another name`,
        { topic: map.stream },
      )
    }
    single = true
  } else single = alone && others.length === 0
  return {
    topic: map.stream,
    stream,
    keyOf: (shard) => (single ? shard : `${stream}:${shard}`),
    owns: (lease) =>
      lease.stream === stream
        ? isMulti(lease) !== single
        : single && !isMulti(lease) && lease.stream === undefined,
    isOutdated: (lease) =>
      lease.stream !== stream && sameName(lease) && Number(lease.stream!.split(':')[2]) < map.createdAt,
  }
}
