import type { Checkpoint, FetchedBatch, Header, Position } from '../../../src/driver.ts'
import { FetchedBatchView } from '../../conformance/index.ts'

/** A batch of which some records are left out, come twice or change places: `order` are indexes of `inner`. */
export class RearrangedBatch extends FetchedBatchView {
  private readonly order: readonly number[]

  constructor(inner: FetchedBatch, order: readonly number[]) {
    super(inner)
    this.order = order
  }

  override get count(): number {
    return this.order.length
  }
  override key(i: number): Uint8Array | null {
    return super.key(this.order[i]!)
  }
  override value(i: number): Uint8Array | null {
    return super.value(this.order[i]!)
  }
  override headers(i: number): readonly Header[] {
    return super.headers(this.order[i]!)
  }
  override timestamp(i: number): number {
    return super.timestamp(this.order[i]!)
  }
  override arrival(i: number): number | undefined {
    return super.arrival(this.order[i]!)
  }
  override position(i: number): Position {
    return super.position(this.order[i]!)
  }
  override keyHash(i: number): number {
    return super.keyHash(this.order[i]!)
  }
  override checkpointAfter(i: number): Checkpoint {
    return super.checkpointAfter(Math.max(...this.order.slice(0, i + 1)))
  }
}
