/** The service's clock: arrival timestamps and the Date header. Set `offsetMs` to let it go wrong. */
export class Clock {
  offsetMs = 0

  /** Milliseconds since 1970. */
  now(): number {
    return Date.now() + this.offsetMs
  }
}
