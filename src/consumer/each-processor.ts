import { isAsyncResult } from '../async-result.ts'
import { Deque } from '../deque.ts'
import { LazyRecord, validateRecords } from '../lazy-record.ts'
import { admit } from './admission.ts'
import type { HandlerRuntime } from './handler-runtime.ts'
import { Lanes, NONE, Place, type Task } from './lanes.ts'
import type { HandlerContext } from './options.ts'
import type { PartitionSession, Processor } from './partition-session.ts'
import type { WorkEntry } from './work-entry.ts'

type Handler = (record: never, context: HandlerContext) => unknown

/** Calls the handler for each record: up to `concurrency` at once over all partitions, those of one key one after another. */
export class EachProcessor implements Processor {
  private readonly handler: Handler
  private readonly runtime: HandlerRuntime
  private readonly lanes = new Map<PartitionSession, Lanes>()
  /** Lanes with records to look at, taken in turn. */
  private readonly pending = new Deque<Lanes>()
  private readonly ready = new Deque<Task>()
  private readonly free: Place[] = []
  private readonly running = new Set<Place>()
  /** Schemas may take their time; entries keep their order. */
  private readonly validating = new WeakMap<Lanes, Promise<void>>()
  private pumping = false
  /** Whether anybody traces or measures; asked once a fetched batch. */
  private observed = false

  constructor(handler: Handler, concurrency: number, runtime: HandlerRuntime) {
    this.handler = handler
    this.runtime = runtime
    for (let i = 0; i < concurrency; i++) this.free.push(this.newPlace())
  }

  accept(session: PartitionSession, entry: WorkEntry): void {
    let lanes = this.lanes.get(session)
    if (lanes === undefined) {
      lanes = new Lanes(session, this.runtime.contextOf(session))
      this.lanes.set(session, lanes)
    }
    if (session.topic.codec.validate === undefined) return this.queue(lanes, entry)
    const records = Array.from(
      { length: entry.batch.count },
      (_, i) => new LazyRecord(entry.batch, i, session.topic),
    )
    entry.records = records
    const own = lanes
    const before = this.validating.get(own) ?? Promise.resolve()
    const validated = Promise.all([before, validateRecords(session.topic, records)]).then(() =>
      this.queue(own, entry),
    )
    this.validating.set(own, validated)
  }

  drain(session: PartitionSession): Promise<void> {
    const lanes = this.lanes.get(session)
    if (lanes === undefined) return Promise.resolve()
    lanes.draining = true
    lanes.entries.drain()
    for (const timer of lanes.backoffs.values()) clearTimeout(timer)
    lanes.active -= lanes.backoffs.size
    lanes.backoffs.clear()
    this.pump()
    if (lanes.active === 0) return Promise.resolve()
    return new Promise((resolve) => {
      lanes.onIdle = resolve
    })
  }

  drop(session: PartitionSession): void {
    const lanes = this.lanes.get(session)
    if (lanes === undefined) return
    this.lanes.delete(session)
    lanes.draining = true
    lanes.entries.drain()
    for (const timer of lanes.backoffs.values()) clearTimeout(timer)
    lanes.backoffs.clear()
    this.pump()
  }

  watch(now: number): void {
    for (const place of this.running) {
      // A call counts from the first tick that sees it: never too early, and without a clock read a record.
      if (place.seenAt === undefined) place.seenAt = now
      if (place.hung || now - place.seenAt <= this.runtime.maxProcessingMs) continue
      place.hung = true
      this.running.delete(place)
      this.free.push(this.newPlace())
      const session = place.task?.lanes.session
      if (session && !session.gone) this.runtime.hung(session, place)
    }
    this.pump()
  }

  private queue(lanes: Lanes, entry: WorkEntry): void {
    if (lanes.draining) return
    this.observed = this.runtime.observed
    lanes.entries.push(entry)
    if (lanes.entries.length === 1) this.pending.push(lanes)
    this.pump()
  }

  /** Starts what may start. Handlers that answer at once are run in this loop, not in recursion. */
  private pump(): void {
    if (this.pumping) return
    this.pumping = true
    while (this.free.length > 0) {
      const task = this.ready.shift() ?? this.nextTask()
      if (task === undefined) break
      if (this.refused(task)) continue
      this.start(this.free.pop() as Place, task)
    }
    this.pumping = false
  }

  /** The next record, in turn over the partitions, whose key is free; the others are put behind their key. */
  private nextTask(): Task | undefined {
    for (;;) {
      const lanes = this.pending.peek()
      if (lanes === undefined) return undefined
      const entry = lanes.entries.peek()
      if (entry === undefined) {
        this.pending.shift()
        continue
      }
      const index = lanes.cursor++
      if (lanes.cursor >= entry.batch.count) {
        lanes.entries.shift()
        lanes.cursor = 0
        // Another partition's turn.
        this.pending.shift()
        if (lanes.entries.length > 0) this.pending.push(lanes)
      }
      // As a small integer: V8 keeps those in the map and the task, and boxes the others.
      const hash = entry.batch.keyHash(index) | 0
      const task: Task = { lanes, entry, index, hash, attempt: 1 }
      const waiting = lanes.busy.get(hash)
      if (waiting === undefined) {
        lanes.busy.set(hash, NONE)
        lanes.active++
        return task
      }
      if (waiting === NONE) lanes.busy.set(hash, [task])
      else waiting.push(task)
    }
  }

  /** While draining only what closes a gap is started. */
  private refused(task: Task): boolean {
    const { lanes } = task
    if (!lanes.draining) return false
    if (!lanes.session.gone && task.entry.base + task.index < lanes.highest) return false
    this.abandon(task)
    return true
  }

  /** Gives a task up unfinished, with all that waits behind its key. */
  private abandon(task: Task): void {
    task.lanes.active--
    this.checkIdle(task.lanes)
  }

  private start(place: Place, task: Task): void {
    const { lanes, entry, index } = task
    const { session } = lanes
    const ordinal = entry.base + index
    if (ordinal > lanes.highest) lanes.highest = ordinal
    const admission = admit(session, entry.batch, index)
    if (typeof admission === 'string' && admission !== 'handle') {
      this.free.push(place)
      const { poison } = this.runtime
      if (admission === 'pass') this.complete(task)
      else if (admission === 'park') this.settle(task, poison.follow(session, entry, index))
      else this.settle(task, poison.again(session, entry, index))
      return
    }
    place.task = task
    place.ticket = admission === 'handle' ? undefined : admission
    place.seenAt = undefined
    this.running.add(place)
    let result: unknown
    try {
      const record = (entry.records?.[index] ?? new LazyRecord(entry.batch, index, session.topic)) as never
      const context = task.attempt === 1 ? lanes.context : { ...lanes.context, attempt: task.attempt }
      result = this.observed ? this.observe(task, record, context) : this.handler(record, context)
    } catch (error) {
      return this.failed(place, error)
    }
    if (isAsyncResult(result)) result.then(place.onDone, place.onFail)
    else this.succeeded(place)
  }

  // Apart from `start`, where its closure would cost every record its scope.
  private observe({ entry, index }: Task, record: never, context: HandlerContext): unknown {
    return this.runtime.observe(entry.batch, [index], () => this.handler(record, context))
  }

  private newPlace(): Place {
    return new Place(
      (place) => this.succeeded(place),
      (place, error) => this.failed(place, error),
    )
  }

  private succeeded(place: Place): void {
    const { task, ticket } = place
    this.leave(place)
    if (task === undefined) return
    if (ticket) task.lanes.session.parked.release(task.entry.batch.key(task.index) as Uint8Array, ticket)
    this.complete(task)
    this.pump()
  }

  private failed(place: Place, error: unknown): void {
    const { task, ticket } = place
    this.leave(place)
    if (task === undefined) return
    const { lanes, entry, index, attempt } = task
    const { session } = lanes
    if (session.gone) {
      this.abandon(task)
    } else if (!this.runtime.retry.again(attempt, error)) {
      const poison = { session, entry, index, error, attempts: attempt, ticket }
      this.settle(task, this.runtime.poison.handle(poison))
    } else if (lanes.draining) {
      this.abandon(task)
    } else {
      this.runtime.counters.retried++
      task.attempt++
      const timer = setTimeout(() => {
        lanes.backoffs.delete(task)
        this.ready.push(task)
        this.pump()
      }, this.runtime.retry.delayMs(attempt))
      lanes.backoffs.set(task, timer)
    }
    this.pump()
  }

  /** The place takes the next call, unless it was replaced meanwhile. */
  private leave(place: Place): void {
    place.task = undefined
    place.ticket = undefined
    if (place.hung) return this.runtime.ended(place)
    this.running.delete(place)
    this.free.push(place)
  }

  /** Counts a poison record as done when it was dealt with. */
  private settle(task: Task, dealt: Promise<void>): void {
    dealt.then(
      () => {
        this.complete(task)
        this.pump()
      },
      (error) => {
        this.abandon(task)
        if (!task.lanes.session.gone) this.runtime.fail(error)
      },
    )
  }

  private complete(task: Task): void {
    const { lanes, entry, index, hash } = task
    this.runtime.counters.processed++
    lanes.session.finish(entry, index)
    const waiting = lanes.busy.get(hash)
    const next = waiting?.shift()
    if (next === undefined) {
      lanes.busy.delete(hash)
      lanes.active--
      this.checkIdle(lanes)
    } else {
      this.ready.push(next)
    }
  }

  private checkIdle(lanes: Lanes): void {
    if (lanes.active > 0) return
    lanes.onIdle?.()
    lanes.onIdle = undefined
  }
}
