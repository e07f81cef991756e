import type { Position } from '../../../src/index.ts'
import type { EventOf, OracleEvent } from './events.ts'

/** A delivery with the assignment under which its member then held the partition. */
export interface Delivery extends EventOf<'delivered'> {
  /** 0 where no assignment was seen. */
  readonly epoch: number
}

/** The events of a case in the order of time, sorted into what the checks ask for. */
export class Timeline {
  readonly events: readonly OracleEvent[]
  readonly compare: (a: Position, b: Position) => number
  readonly deliveries: readonly Delivery[]

  constructor(events: readonly OracleEvent[], compare: (a: Position, b: Position) => number) {
    this.events = events
    this.compare = compare
    const held = new Map<string, number>()
    const deliveries: Delivery[] = []
    for (const event of events) {
      if (event.type === 'assigned') held.set(holding(event), event.epoch)
      if (event.type === 'delivered') deliveries.push({ ...event, epoch: held.get(holding(event)) ?? 0 })
    }
    this.deliveries = deliveries
  }

  of<T extends OracleEvent['type']>(...types: T[]): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => types.includes(event.type as T))
  }
}

/** Groups in order of first appearance. */
export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  return Map.groupBy(items, keyOf)
}

export function shareOf(event: { group: string; topic: string; partition: string }): string {
  return `${event.group} ${event.topic}/${event.partition}`
}

function holding(event: { member: string; group: string; topic: string; partition: string }): string {
  return `${event.member} ${shareOf(event)}`
}
