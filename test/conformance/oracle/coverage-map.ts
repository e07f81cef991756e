import type { Checkpoint, Position } from '../../../src/index.ts'

/**
 * What checkpoints stand for. They are opaque, but each one that the core can store was made by a fetched batch, which knows
 * the record it lies behind.
 */
export class CoverageMap {
  private readonly positions = new Map<string, Position | null>()

  learn(topic: string, partition: string, checkpoint: Checkpoint, behind: Position | null): void {
    const key = `${topic}/${partition} ${checkpoint}`
    // The first to say so is right: an empty batch may repeat a checkpoint whose record another reader saw.
    if (this.positions.get(key) == null) this.positions.set(key, behind)
  }

  /** Null: behind no record that was seen. Undefined: made elsewhere, for instance by an earlier process. */
  covered(topic: string, partition: string, checkpoint: Checkpoint): Position | null | undefined {
    return this.positions.get(`${topic}/${partition} ${checkpoint}`)
  }
}
