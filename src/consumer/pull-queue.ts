import { Deque } from '../deque.ts'
import { LazyRecord, validateRecords } from '../lazy-record.ts'
import { admit } from './admission.ts'
import { type BatchHost, CoreConsumedBatch } from './consumed-batch.ts'
import type { PartitionSession, Processor } from './partition-session.ts'
import type { WorkEntry } from './work-entry.ts'

/**
 * Batches for `for await`: the loop takes one at a time. A batch is held from when it was given until it is checkpointed or
 * the next one is asked for; a revocation waits for that.
 */
export class PullQueue implements Processor {
  private readonly host: BatchHost
  private readonly queue = new Deque<{ session: PartitionSession; entry: WorkEntry }>()
  private held: CoreConsumedBatch | undefined
  private over = false
  private wake: (() => void) | undefined
  private onReleased: (() => void) | undefined

  constructor(host: BatchHost) {
    this.host = host
  }

  accept(session: PartitionSession, entry: WorkEntry): void {
    this.queue.push({ session, entry })
    this.notify()
  }

  /** The next batch; undefined when there will be none. */
  async next(): Promise<CoreConsumedBatch | undefined> {
    this.release()
    for (;;) {
      if (this.over) return undefined
      const item = this.queue.shift()
      if (item === undefined) {
        await new Promise<void>((resolve) => {
          this.wake = resolve
        })
        continue
      }
      if (!item.session.running) continue
      const batch = await this.prepare(item.session, item.entry)
      if (!item.session.running) continue
      if (batch === undefined) {
        item.session.finishTo(item.entry, item.entry.batch.count)
        continue
      }
      this.held = batch
      return batch
    }
  }

  /** The loop is done with the batch it was given last. */
  release(): void {
    this.held?.session.released(this.held.entry)
    this.held = undefined
    this.onReleased?.()
    this.onReleased = undefined
  }

  /** Wakes the loop for the last time. */
  end(): void {
    this.over = true
    this.notify()
  }

  async drain(session: PartitionSession): Promise<void> {
    const { held } = this
    if (held?.session !== session || held.stored) return
    await new Promise<void>((resolve) => {
      this.onReleased = resolve
      held.onStored = resolve
    })
  }

  drop(): void {
    // What was not given yet is passed over by `next`.
  }

  watch(): void {
    // The loop may take as long as it likes: nobody can tell a slow one from one that waits.
  }

  /** Leaves out what another group was sent again; undefined when nothing is left. */
  private async prepare(session: PartitionSession, entry: WorkEntry): Promise<CoreConsumedBatch | undefined> {
    const { batch } = entry
    if (session.topic.codec.validate) {
      const records = Array.from({ length: batch.count }, (_, i) => new LazyRecord(batch, i, session.topic))
      entry.records = records
      await validateRecords(session.topic, records)
    }
    const picked: number[] = []
    for (let i = 0; i < batch.count; i++) if (admit(session, batch, i) !== 'pass') picked.push(i)
    if (picked.length === batch.count) return new CoreConsumedBatch(this.host, session, entry, 0, batch.count)
    if (picked.length > 0)
      return new CoreConsumedBatch(this.host, session, entry, 0, batch.count, Int32Array.from(picked))
    return undefined
  }

  private notify(): void {
    const wake = this.wake
    this.wake = undefined
    wake?.()
  }
}
