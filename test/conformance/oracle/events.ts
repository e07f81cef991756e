import type { Position } from '../../../src/index.ts'

/** Which record of the workload this is: the `seq`th that `producer` sent with `key`, counting from 1. */
export interface RecordId {
  readonly producer: string
  readonly key: string
  readonly seq: number
}

interface Place {
  readonly topic: string
  readonly partition: string
}

interface Owned extends Place {
  readonly group: string
  readonly member: string
  readonly epoch: number
}

type Turn = 'assigned' | 'revoked' | 'released' | 'lost' | 'fenced'

/** What became of an assignment; `fenced`: a checkpoint under it was refused. */
type OwnedFact = { [T in Turn]: { readonly type: T } & Owned }[Turn]

/** What the oracle is told, as it happens; plain JSON, so that child processes can tell it too. */
export type OracleFact =
  | ({ readonly type: 'sent'; readonly topic: string } & RecordId)
  | ({ readonly type: 'acknowledged'; readonly position: Position } & Place & RecordId)
  /** The send was refused or its fate is unknown. */
  | ({ readonly type: 'refused'; readonly topic: string; readonly code: string } & RecordId)
  /** Read back from the topic by the judge itself, in reading order. */
  | ({ readonly type: 'stands'; readonly position: Position } & Place & RecordId)
  | ({
      readonly type: 'delivered'
      readonly group: string
      readonly member: string
      readonly position: Position
    } & Place &
      RecordId)
  /** The handler gave this record back: it may come again to the same owner. */
  | ({
      readonly type: 'failed'
      readonly group: string
      readonly member: string
      readonly position: Position
    } & Place)
  | OwnedFact
  /** Accepted. `covers`: the last position that it lies behind; null for none, undefined where that is not known. */
  | ({
      readonly type: 'checkpointed'
      readonly covers: Position | null | undefined
      readonly requestedAt: number
    } & Owned)
  /** A seek that was in progress from `startedAt` until now; partition null means all. */
  | {
      readonly type: 'sought'
      readonly group: string
      readonly topic: string
      readonly partition: string | null
      readonly startedAt: number
    }

export type OracleEvent = OracleFact & { readonly at: number }

export type EventOf<T extends OracleEvent['type']> = Extract<OracleEvent, { type: T }>

/** Microseconds of the machine's monotonic clock, which all its processes share. */
export function now(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

export function nameOf(id: RecordId): string {
  return `${id.producer}/${id.key}#${id.seq}`
}

export function placeOf(place: { topic: string; partition: string; position: Position }): string {
  return `${place.topic}/${place.partition}@${place.position}`
}
