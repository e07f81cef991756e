import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { type From, StreamError } from '../../../../src/driver.ts'
import { formatCheckpoint, parseCheckpoint, type ResumePoint } from '../../positions.ts'
import type { Lease } from '../lease.ts'

export type Item = Record<string, AttributeValue>

/** What millrace keeps in a row beside KCL's attributes. KCL's own updates leave them as they are, so each says what it is valid for. */
export const OURS = {
  /** The checkpoint as millrace has it; valid while KCL's pair says the same. */
  checkpoint: 'millrace.checkpoint',
  state: 'millrace.state',
  /** `milliseconds@worker`. */
  session: 'millrace.session',
  group: 'millrace.group',
  stream: 'millrace.stream',
  firstSight: 'millrace.firstSight',
  /** A prefix; the member's id follows. */
  member: 'millrace.member.',
} as const

/** The pair that KCL resumes at: it drops what is not behind it. */
export function kclPair(point: ResumePoint): { readonly sequence: string; readonly sub: number } {
  switch (point.kind) {
    case 'time':
      return { sequence: 'AT_TIMESTAMP', sub: 0 }
    case 'earliest':
      return { sequence: 'TRIM_HORIZON', sub: 0 }
    case 'latest':
      return { sequence: 'LATEST', sub: 0 }
    case 'end':
      return { sequence: 'SHARD_END', sub: 0 }
    case 'after':
      return { sequence: point.sequence, sub: point.sub }
  }
}

/** A row as it is created. */
export function toItem(lease: Lease): Item {
  const { sequence, sub } = kclPair(lease.checkpoint)
  const isMultiStream = lease.key !== lease.shard
  return {
    leaseKey: { S: lease.key },
    entityType: { S: 'LEASE' },
    leaseCounter: { N: String(lease.counter) },
    ownerSwitchesSinceCheckpoint: { N: String(lease.switches) },
    checkpoint: { S: sequence },
    checkpointSubSequenceNumber: { N: String(sub) },
    [OURS.checkpoint]: { S: formatCheckpoint(lease.checkpoint) },
    ...(lease.owner === undefined ? {} : { leaseOwner: { S: lease.owner } }),
    ...(lease.checkpointOwner === undefined ? {} : { checkpointOwner: { S: lease.checkpointOwner } }),
    ...(lease.parents.length === 0 ? {} : { parentShardId: { SS: [...lease.parents] } }),
    ...(lease.children.length === 0 ? {} : { childShardIds: { SS: [...lease.children] } }),
    ...(lease.hashRange === undefined
      ? {}
      : { startingHashKey: { S: lease.hashRange.from }, endingHashKey: { S: lease.hashRange.to } }),
    ...(isMultiStream ? { streamName: { S: lease.stream! }, shardId: { S: lease.shard } } : {}),
    ...(lease.state === null ? {} : { [OURS.state]: { B: lease.state } }),
    ...(lease.group === undefined ? {} : { [OURS.group]: { S: lease.group } }),
    ...(lease.stream === undefined ? {} : { [OURS.stream]: { S: lease.stream } }),
    ...(lease.firstSight === undefined ? {} : { [OURS.firstSight]: { S: JSON.stringify(lease.firstSight) } }),
  }
}

const MULTI_STREAM_KEY = /^(\d+:[^:]+:\d+):([^:]+)$/

/** Undefined for rows of another kind, which KCL keeps beside its leases. Throws INTERNAL for a lease that cannot be understood. */
export function fromItem(item: Item): Lease | undefined {
  const kind = item.entityType?.S
  const key = item.leaseKey?.S
  if (key === undefined || (kind !== undefined && kind !== 'LEASE') || item.checkpoint?.S === undefined) {
    return undefined
  }
  const multi = MULTI_STREAM_KEY.exec(key)
  const owner = item.leaseOwner?.S
  const range = [item.startingHashKey?.S, item.endingHashKey?.S]
  const idle: Record<string, string> = {}
  for (const name in item) {
    if (name.startsWith(OURS.member)) idle[name.slice(OURS.member.length)] = item[name]!.S ?? ''
  }
  return {
    key,
    shard: item.shardId?.S ?? multi?.[2] ?? key,
    stream: item.streamName?.S ?? multi?.[1] ?? item[OURS.stream]?.S,
    owner,
    checkpointOwner: item.checkpointOwner?.S,
    counter: Number(item.leaseCounter?.N ?? 0),
    checkpoint: checkpointOf(item, key),
    switches: Number(item.ownerSwitchesSinceCheckpoint?.N ?? 0),
    parents: item.parentShardId?.SS ?? [],
    children: item.childShardIds?.SS ?? [],
    hashRange:
      range[0] === undefined || range[1] === undefined ? undefined : { from: range[0], to: range[1] },
    state: item[OURS.state]?.B ?? null,
    sessionMs: sessionOf(item[OURS.session]?.S, item.checkpointOwner?.S ?? owner),
    group: item[OURS.group]?.S,
    firstSight: fromOf(item[OURS.firstSight]?.S),
    idle,
  }
}

export const sessionText = (sessionMs: number, owner: string): string => `${sessionMs}@${owner}`

/** What an earlier worker said of itself does not bind the present one. */
function sessionOf(text: string | undefined, worker: string | undefined): number | undefined {
  if (text === undefined || worker === undefined || !text.endsWith(`@${worker}`)) return undefined
  const sessionMs = Number(text.slice(0, -worker.length - 1))
  return sessionMs > 0 ? sessionMs : undefined
}

function checkpointOf(item: Item, key: string): ResumePoint {
  const sequence = item.checkpoint!.S!
  const sub = Number(item.checkpointSubSequenceNumber?.N ?? 0)
  const ours = item[OURS.checkpoint]?.S
  if (ours !== undefined) {
    const point = parseCheckpoint(ours)
    const pair = kclPair(point)
    if (pair.sequence === sequence && pair.sub === sub) return point
  }
  // KCL's processes know their time from their configuration; what is read twice is better than what is not read.
  if (sequence === 'AT_TIMESTAMP') return { kind: 'earliest' }
  if (/^[A-Z_]+$/.test(sequence)) return parseCheckpoint(sequence)
  if (/^\d+$/.test(sequence)) return { kind: 'after', sequence, sub, arrival: undefined }
  throw new StreamError(
    'INTERNAL',
    `lease ${key} has the checkpoint '${sequence}', which is neither KCL's nor millrace's: look at the table`,
  )
}

function fromOf(text: string | undefined): From | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as From)
}
