import type { Segment } from './segment.ts'

const OPEN_SEALED = 16

/** The segments of a log in the order of their offsets. Never empty once the log is open; the last one is appended to. */
export class SegmentList {
  #segments: Segment[]
  /** Sealed segments that were read lately, the latest last; the others hold neither file nor indexes. */
  readonly #used = new Set<Segment>()

  constructor(segments: Segment[]) {
    this.#segments = segments
  }

  get first(): Segment {
    return this.#segments[0]!
  }

  get active(): Segment {
    return this.#segments[this.#segments.length - 1]!
  }

  get all(): readonly Segment[] {
    return this.#segments
  }

  get sealed(): readonly Segment[] {
    return this.#segments.slice(0, -1)
  }

  get sizeBytes(): number {
    let size = 0
    for (const segment of this.#segments) size += segment.sizeBytes
    return size
  }

  /** The segment that holds the offset, or the first one behind it. */
  find(offset: number): Segment {
    const segments = this.#segments
    if (offset >= segments[segments.length - 1]!.baseOffset) return segments[segments.length - 1]!
    let low = 0
    let high = segments.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (segments[middle]!.baseOffset <= offset) low = middle
      else high = middle - 1
    }
    return segments[low]!
  }

  push(segment: Segment): void {
    this.#segments.push(segment)
  }

  /** Puts `replacement`, or nothing, in place of segments that follow each other; those are retired. */
  replace(old: readonly Segment[], replacement?: Segment): void {
    const at = this.#segments.indexOf(old[0]!)
    // A copy: who walks through `all` goes on undisturbed.
    this.#segments = this.#segments.toSpliced(
      at,
      old.length,
      ...(replacement === undefined ? [] : [replacement]),
    )
    for (const segment of old) {
      this.#used.delete(segment)
      segment.retire()
    }
  }

  /** Says that a segment was read; sealed ones that were not for long give up their files. */
  touch(segment: Segment): void {
    if (!segment.isSealed || !segment.isLive) return
    this.#used.delete(segment)
    this.#used.add(segment)
    if (this.#used.size <= OPEN_SEALED) return
    for (const idle of this.#used) {
      if (idle !== segment && idle.release()) {
        this.#used.delete(idle)
        return
      }
    }
  }

  retireAll(): void {
    for (const segment of this.#segments) segment.retire()
  }
}
