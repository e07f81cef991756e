import { json, type StreamRecord, type Topic, topic } from '../../../src/index.ts'
import type { RecordId } from '../oracle/events.ts'

/** A value of the workload: it says itself which record it is. */
export interface Load extends RecordId {
  readonly pad?: string
}

export type LoadTopic = Topic<Load, Load, string>
export type LoadRecord = StreamRecord<Load, string>

export function loadTopic(name: string): LoadTopic {
  return topic(name, { value: json<Load>(), key: (load: Load) => load.key })
}

export function idOf(load: Load): RecordId {
  return { producer: load.producer, key: load.key, seq: load.seq }
}

/** `k0`, `k1` … */
export function keys(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `k${i}`)
}
