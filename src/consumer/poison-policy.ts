/** What becomes of a record whose handler failed for good. Made by `deadLetter`, `park`, `skip` and `stop`. */
export type PoisonPolicy =
  | { readonly kind: 'dead-letter'; readonly topic: string }
  | { readonly kind: 'park'; readonly topic: string; readonly maxKeys: number }
  | { readonly kind: 'skip' }
  | { readonly kind: 'stop' }

/** Writes the record with its origin, cause and attempts to a topic, and goes on. The topic must exist when `run` starts. */
export function deadLetter(topic: string): PoisonPolicy {
  return { kind: 'dead-letter', topic }
}

/**
 * As `deadLetter`, and every later record of the same key goes the same way, so that order per key survives, until
 * `millrace replay` sends them back. At most `maxKeys` keys a partition (default 1,000) are parked; the next one stops the partition.
 */
export function park(topic: string, options: { readonly maxKeys?: number } = {}): PoisonPolicy {
  return { kind: 'park', topic, maxKeys: options.maxKeys ?? 1_000 }
}

/** Logs the record's position and goes on without it. */
export function skip(): PoisonPolicy {
  return { kind: 'skip' }
}

/** `run` ends with the handler's error; the record is not checkpointed. */
export function stop(): PoisonPolicy {
  return { kind: 'stop' }
}
