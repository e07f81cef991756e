/** What a consumer did so far; for `stats`. */
export class ConsumerCounters {
  processed = 0
  retried = 0
  deadLettered = 0
  parked = 0
  skipped = 0
}
