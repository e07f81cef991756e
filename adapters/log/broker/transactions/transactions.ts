import { StreamError } from '../../../../src/driver.ts'
import { encodeControlBatch } from '../../../../src/formats/record-batch/index.ts'
import type { EndTransactionRequest, InitProducerRequest, Owner } from '../broker-api.ts'
import { DeadlineTimer } from '../deadline-timer.ts'
import type { Groups } from '../groups/groups.ts'
import type { MaybePromise } from '../maybe-promise.ts'
import type { Metadata, MetadataChange, StoredMetadata } from '../metadata.ts'
import type { ProducerIds } from '../producer-ids.ts'
import type { Partition } from '../topics/partition.ts'
import type { Topics } from '../topics/topics.ts'
import type { TransactionalId } from './transactional-id.ts'

const MAX_EPOCH = 0x7fff
const RETRY_MS = 1000

/**
 * Transactions as Kafka's coordinator has them. Batches are written at once, flagged; what decides is one record in the
 * metadata, written in one piece with the checkpoints of the transaction: `committing`. Only when that is durable
 * are the markers written that make readers see the batches. A holder that dies in between leaves the rest to the next.
 */
export class Transactions {
  readonly #metadata: Metadata
  readonly #topics: Topics
  readonly #groups: Groups
  readonly #producerIds: ProducerIds
  readonly #byId = new Map<string, TransactionalId>()
  readonly #byProducer = new Map<number, TransactionalId>()
  readonly #timer = new DeadlineTimer(() => void this.#expire())

  constructor(
    metadata: Metadata,
    topics: Topics,
    groups: Groups,
    producerIds: ProducerIds,
    stored: StoredMetadata,
  ) {
    this.#metadata = metadata
    this.#topics = topics
    this.#groups = groups
    this.#producerIds = producerIds
    for (const { key, value } of stored) {
      if (key[0] !== 'transactional') continue
      const { partitions, ...rest } = value as Omit<TransactionalId, 'id' | 'partitions'> & {
        partitions: [string, string][]
      }
      const entry: TransactionalId = {
        ...rest,
        id: key[1]!,
        partitions: new Map(partitions.map((partition) => [partition.join('/'), partition])),
        deadline: performance.now() + rest.timeoutMs,
      }
      this.#byId.set(entry.id, entry)
      this.#byProducer.set(entry.producerId, entry)
    }
  }

  /** Finishes what the last holder had decided. Call once, before anybody is served. */
  async recover(): Promise<void> {
    for (const entry of this.#byId.values()) {
      if (entry.state === 'committing' || entry.state === 'aborting') await this.#finish(entry)
    }
    this.#plan()
  }

  owners(): Owner[] {
    return Array.from(this.#byId.values(), (entry) => entry.owner)
  }

  /** Aborts what that owner left open. */
  ownerGone(owner: string): void {
    for (const entry of this.#byId.values()) if (entry.owner.id === owner) this.#abandon(entry)
  }

  async init(
    { id, anonymous, timeoutMs }: NonNullable<InitProducerRequest['transactional']>,
    owner: Owner,
  ): Promise<{ producerId: number; epoch: number }> {
    let entry = this.#byId.get(id)
    if (entry !== undefined) await this.#settle(entry)
    entry = this.#byId.get(id)
    if (entry === undefined || entry.epoch >= MAX_EPOCH - 1) {
      if (entry !== undefined) this.#byProducer.delete(entry.producerId)
      entry = {
        id,
        anonymous,
        owner,
        timeoutMs,
        producerId: this.#producerIds.next(),
        epoch: 0,
        state: 'idle',
        partitions: new Map(),
        number: 0,
        committed: false,
        deadline: 0,
        ending: undefined,
      }
    } else {
      Object.assign(entry, {
        anonymous,
        owner,
        timeoutMs,
        epoch: entry.epoch + 1,
        number: 0,
        committed: false,
      })
    }
    this.#metadata.put([stored(entry)])
    this.#byId.set(id, entry)
    this.#byProducer.set(entry.producerId, entry)
    const { producerId, epoch } = entry
    await this.#metadata.durable()
    return { producerId, epoch }
  }

  /**
   * A transactional batch is about to be appended. Its partition is written down first: a holder that comes after a crash
   * must know where markers are due. Throws FENCED. Returns what must be durable beside the batch.
   */
  enter(partition: Partition, producerId: number, epoch: number): MaybePromise<void> {
    const entry = this.#get(producerId, epoch)
    if (entry.state === 'committing' || entry.state === 'aborting') {
      throw new StreamError('FENCED', `the transaction of '${entry.id}' is being ended: begin another one`)
    }
    const key = `${partition.topic}/${partition.id}`
    if (entry.partitions.has(key)) return
    const partitions = new Map(entry.partitions).set(key, [partition.topic, partition.id])
    this.#metadata.put([stored({ ...entry, state: 'open', partitions })])
    if (entry.state === 'idle') {
      entry.deadline = performance.now() + entry.timeoutMs
      entry.state = 'open'
      this.#plan()
    }
    entry.partitions = partitions
    return this.#metadata.durable()
  }

  async end({ producerId, epoch, number, commit, checkpoints }: EndTransactionRequest): Promise<void> {
    const entry = this.#get(producerId, epoch)
    if (entry.ending !== undefined) await entry.ending
    if (entry.number >= number) {
      // The request came before, and its answer was lost.
      if (entry.number === number && entry.committed === commit) return
      throw new StreamError(
        'FENCED',
        `transaction ${number} of '${entry.id}' has been ended already: begin another one`,
      )
    }
    checkFinished(entry)
    if (!commit) return this.#end(entry, number, false, [])
    let planned: ReturnType<Groups['planAll']>
    try {
      planned = this.#groups.planAll(checkpoints)
    } catch (error) {
      await this.#end(entry, number, false, [])
      throw error
    }
    await this.#end(entry, number, true, planned.changes, planned.apply)
  }

  async closeProducer(producerId: number, epoch: number): Promise<void> {
    const entry = this.#byProducer.get(producerId)
    if (entry === undefined || entry.epoch !== epoch) return
    await this.#settle(entry)
  }

  close(): void {
    this.#timer.cancel()
  }

  #get(producerId: number, epoch: number): TransactionalId {
    const entry = this.#byProducer.get(producerId)
    if (entry !== undefined && entry.epoch === epoch) return entry
    throw new StreamError(
      'FENCED',
      entry === undefined
        ? `the transactional producer ${producerId} is gone, its process was given up: open another one`
        : `the transactional id '${entry.id}' was taken over, or its transaction timed out after ${entry.timeoutMs} ms: open another one`,
    )
  }

  /** Decides, durably, then finishes. */
  async #end(
    entry: TransactionalId,
    number: number,
    commit: boolean,
    changes: readonly MetadataChange[],
    apply?: () => void,
  ): Promise<void> {
    const decided = {
      ...entry,
      state: commit ? ('committing' as const) : ('aborting' as const),
      number,
      committed: commit,
    }
    this.#metadata.put([stored(decided), ...changes])
    entry.state = decided.state
    entry.number = number
    entry.committed = commit
    apply?.()
    entry.ending = (async () => {
      // Before the first marker: a crash must not leave one for a decision that is lost.
      await this.#metadata.durable()
      await this.#finish(entry)
    })()
    try {
      await entry.ending
    } finally {
      entry.ending = undefined
    }
  }

  /** Writes the markers of a decision. Where one cannot be written, the decision stands and is tried again. */
  async #finish(entry: TransactionalId): Promise<void> {
    try {
      for (const [key, [topic, id]] of entry.partitions) {
        const partition = this.#topics.find(topic)?.partitions.get(id)
        if (partition !== undefined) {
          const batch = encodeControlBatch({
            type: entry.committed ? 'commit' : 'abort',
            coordinatorEpoch: 0,
            producerId: entry.producerId,
            producerEpoch: entry.epoch,
            timestamp: Date.now(),
            baseOffset: 0,
          })
          partition.log.append(batch)
        }
        entry.partitions.delete(key)
      }
      this.#metadata.put([stored({ ...entry, state: 'idle' })])
      entry.state = 'idle'
    } catch {
      setTimeout(() => void this.#finish(entry), RETRY_MS).unref()
    }
  }

  /** Ends what is open, so that nobody can go on with it: the epoch grows where the producer did not ask for it. */
  async #settle(entry: TransactionalId): Promise<void> {
    if (entry.ending !== undefined) await entry.ending
    if (entry.state === 'open') {
      entry.epoch++
      await this.#end(entry, entry.number + 1, false, [])
    }
    checkFinished(entry)
    if (!entry.anonymous) return
    this.#metadata.put([[['transactional', entry.id], null]])
    this.#byId.delete(entry.id)
    this.#byProducer.delete(entry.producerId)
  }

  #abandon(entry: TransactionalId): void {
    this.#settle(entry).catch(() => {
      // The metadata could not be written: the time-out comes back to it.
      entry.deadline = performance.now() + RETRY_MS
      this.#plan()
    })
  }

  #expire(): void {
    const now = performance.now()
    for (const entry of this.#byId.values()) {
      if (entry.state !== 'open' || entry.deadline > now) continue
      entry.epoch++
      this.#end(entry, entry.number + 1, false, []).catch(() => {
        entry.deadline = performance.now() + RETRY_MS
        this.#plan()
      })
    }
    this.#plan()
  }

  #plan(): void {
    let next = Number.POSITIVE_INFINITY
    for (const entry of this.#byId.values()) if (entry.state === 'open') next = Math.min(next, entry.deadline)
    this.#timer.plan(next)
  }
}

/** UNAVAILABLE while markers of a decision could not be written: it must not be mixed up with the next one. */
function checkFinished({ id, state }: TransactionalId): void {
  if (state !== 'committing' && state !== 'aborting') return
  throw new StreamError(
    'UNAVAILABLE',
    `the last transaction of '${id}' is decided, but its end could not be written everywhere: free some room and try again`,
  )
}

function stored(entry: TransactionalId): MetadataChange {
  const { id, deadline: _, ending: __, partitions, ...rest } = entry
  return [['transactional', id], { ...rest, partitions: [...partitions.values()] }]
}
