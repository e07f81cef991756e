import type { Position } from '../../index.ts'
import { Acknowledgements } from '../acknowledgements.ts'
import { bytesOf, type ReplayOptions, type ReplayRecord, type ReplayReport } from './options.ts'
import { paced } from './pace.ts'
import { isDeadLetter, redrive } from './redrive.ts'
import type { ReplaySink } from './sinks.ts'
import { type ReplayState, saveState } from './state-file.ts'
import type { ReplaySource } from './topic-source.ts'

const STATE_INTERVAL_MS = 1_000
const PROGRESS_INTERVAL_MS = 100

export interface TransferOptions extends ReplayOptions {
  /** The topic to which dead letters are sent back; undefined copies them as they are. */
  readonly redriveTo: string | undefined
  readonly mayRepeat: number
}

/** What one send held: where it ended in each partition. */
interface Sent {
  readonly count: number
  readonly bytes: number
  readonly after: ReadonlyMap<string, Position>
}

/**
 * Moves records from a source to a sink. The state on disk never says more than what was acknowledged, and never lags
 * behind what was sent by more than `stateEvery` records: that is what a kill can double.
 */
export class Transfer {
  private readonly source: ReplaySource
  private readonly sink: ReplaySink
  private readonly state: ReplayState
  private readonly options: TransferOptions
  private readonly underWay: Acknowledgements<Sent, void>
  private readonly resumedAfter: number
  private records = 0
  private bytes = 0
  private filtered = 0
  private redriven = 0
  private oldest: number | undefined
  private newest: number | undefined
  /** Sent since the state was saved, acknowledged or not. */
  private unsaved = 0
  private savedAt = performance.now()

  constructor(source: ReplaySource, sink: ReplaySink, state: ReplayState, options: TransferOptions) {
    this.source = source
    this.sink = sink
    this.state = state
    this.options = options
    this.resumedAfter = state.records
    this.underWay = new Acknowledgements(sink.concurrency, (sent) => this.acknowledged(sent))
  }

  async run(): Promise<ReplayReport> {
    const { signal, onProgress } = this.options
    const started = performance.now()
    let told = started
    await this.save({ clean: false })
    const chunks = paced(this.source.chunks(), this.options, signal)[Symbol.asyncIterator]()
    try {
      for (;;) {
        const next = await unlessAborted(chunks.next(), signal)
        if (next === undefined || next.done || signal?.aborted) break
        for (const part of this.parts(next.value)) await this.send(part)
        if (performance.now() - told < PROGRESS_INTERVAL_MS) continue
        told = performance.now()
        onProgress?.({ records: this.records, bytes: this.bytes, remaining: this.remaining() })
      }
      await this.underWay.drain()
    } catch (error) {
      // what was acknowledged in order before the failure counts; what was sent after it may come again
      await this.underWay.drain().catch(() => this.underWay.abandon())
      await this.save({ clean: false }).catch(() => {})
      this.options.onFailed?.(this.report('failed', performance.now() - started))
      throw error
    }
    const complete = !signal?.aborted
    if (complete) this.state.done.push(...this.source.exhausted.filter((id) => !this.state.done.includes(id)))
    await this.save({ clean: true, complete })
    onProgress?.({ records: this.records, bytes: this.bytes, remaining: complete ? 0 : undefined })
    return this.report(complete ? 'complete' : 'interrupted', performance.now() - started)
  }

  /** No send may be larger than what may come again. */
  private *parts(chunk: readonly ReplayRecord[]): Generator<readonly ReplayRecord[]> {
    const most = this.options.state === undefined ? chunk.length : this.state.stateEvery
    for (let at = 0; at < chunk.length; at += most) yield chunk.slice(at, at + most)
  }

  private async send(chunk: readonly ReplayRecord[]): Promise<void> {
    const { redriveTo, groupOnly = false, filter } = this.options
    const after = new Map<string, Position>()
    const outgoing: ReplayRecord[] = []
    let bytes = 0
    for (const record of chunk) {
      after.set(record.partition, record.position)
      if (filter?.(record) === false) {
        this.filtered++
        continue
      }
      const sendsBack = redriveTo !== undefined && isDeadLetter(record)
      if (sendsBack) this.redriven++
      const one = sendsBack ? redrive(record, redriveTo, { groupOnly }) : record
      outgoing.push(one)
      bytes += bytesOf(one)
      this.noteTime(one.timestamp)
    }
    if (this.unsaved + chunk.length > this.state.stateEvery) await this.saveAll()
    await this.underWay.room()
    this.unsaved += chunk.length
    const sent = outgoing.length === 0 ? Promise.resolve() : this.sink.send(outgoing)
    this.underWay.add({ count: outgoing.length, bytes, after }, sent)
    if (performance.now() - this.savedAt > STATE_INTERVAL_MS) await this.saveAll()
  }

  private acknowledged({ count, bytes, after }: Sent): void {
    this.records += count
    this.bytes += bytes
    this.state.records += count
    for (const [partition, position] of after) this.state.after[partition] = position
  }

  private async saveAll(): Promise<void> {
    if (this.options.state === undefined) return
    await this.underWay.drain()
    await this.save({ clean: false })
  }

  private async save({ clean, complete = false }: { clean: boolean; complete?: boolean }): Promise<void> {
    if (this.options.state === undefined) return
    const written = await this.sink.sync()
    if (written !== undefined) this.state.written = written
    this.state.clean = clean
    this.state.complete = complete
    await saveState(this.options.state, this.state)
    this.unsaved = 0
    this.savedAt = performance.now()
  }

  private noteTime(timestamp: number | undefined): void {
    if (timestamp === undefined) return
    if (this.oldest === undefined || timestamp < this.oldest) this.oldest = timestamp
    if (this.newest === undefined || timestamp > this.newest) this.newest = timestamp
  }

  private remaining(): number | undefined {
    const { remaining, given } = this.source
    // what was read and waits for its time or its acknowledgement is not done either
    return remaining === undefined ? undefined : remaining + given - this.records - this.filtered
  }

  private report(ended: ReplayReport['ended'], durationMs: number): ReplayReport {
    const { records, bytes, filtered, redriven, oldest, newest, resumedAfter } = this
    const { after } = this.state
    const { mayRepeat } = this.options
    return {
      ended,
      records,
      bytes,
      filtered,
      redriven,
      oldest,
      newest,
      resumedAfter,
      mayRepeat,
      after,
      durationMs,
    }
  }
}

/**
 * The promise's outcome, or undefined as soon as the signal aborts: a source that waits does not hold up the end. Not
 * `Promise.race` with one long promise, which keeps every outcome until that one settles.
 */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | undefined> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => resolve(undefined)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
