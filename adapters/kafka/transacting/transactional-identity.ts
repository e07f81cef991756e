import { StreamError } from '../../../src/driver.ts'
import type { Identity, IdentitySource } from '../producing/identity.ts'
import { KafkaError } from '../wire/error-codes.ts'
import { addOffsetsToTxn } from '../wire/protocol/add-offsets-to-txn.ts'
import { addPartitionsToTxn } from '../wire/protocol/add-partitions-to-txn.ts'
import type { KafkaWire } from '../wire/wire.ts'
import { askCoordinator } from './coordinator.ts'

/** OPERATION_NOT_ATTEMPTED: another partition of the request was refused. */
const NOT_ATTEMPTED = 55

/**
 * The identity of a transactional producer, and what its transaction has touched: before the first batch of a partition the
 * coordinator must know of it, or it would not be ended.
 */
export class TransactionalIdentity implements IdentitySource {
  readonly transactionalId: string
  readonly identity: Identity
  readonly #wire: KafkaWire
  readonly #timeoutMs: number
  /** Partitions of the transaction at hand, and those that are being made so. */
  readonly #partitions = new Map<string, Promise<void>>()
  readonly #groups = new Map<string, Promise<void>>()
  #failure: StreamError | undefined

  constructor(wire: KafkaWire, transactionalId: string, identity: Identity, timeoutMs: number) {
    this.#wire = wire
    this.transactionalId = transactionalId
    this.identity = identity
    this.#timeoutMs = timeoutMs
  }

  /** Why nothing more can be sent under this identity; undefined while it can. */
  get failure(): StreamError | undefined {
    return this.#failure
  }

  /** Whether the coordinator has a transaction to end. */
  get hasBegun(): boolean {
    return this.#partitions.size > 0 || this.#groups.size > 0
  }

  fail(error: StreamError): void {
    this.#failure ??= error
  }

  /** The transaction has ended; the next one begins with nothing. */
  reset(): void {
    this.#partitions.clear()
    this.#groups.clear()
  }

  async obtain(): Promise<Identity> {
    if (this.#failure !== undefined) throw abortFirst(this.#failure)
    return this.identity
  }

  /** A sequence in doubt cannot be left behind without a new epoch, which ends the transaction. */
  renew(_: Identity, cause: StreamError): undefined {
    this.#failure ??= cause
  }

  async prepare(
    partitions: readonly { readonly topic: string; readonly partition: number }[],
  ): Promise<void> {
    if (this.#failure !== undefined) throw abortFirst(this.#failure)
    const fresh = partitions.filter(({ topic, partition }) => !this.#partitions.has(`${partition}/${topic}`))
    if (fresh.length > 0) {
      const added = this.#add(fresh)
      for (const { topic, partition } of fresh) this.#partitions.set(`${partition}/${topic}`, added)
    }
    for (const { topic, partition } of partitions) await this.#partitions.get(`${partition}/${topic}`)
  }

  /** The group's offsets will be part of the transaction. */
  async addGroup(group: string): Promise<void> {
    if (this.#failure !== undefined) throw abortFirst(this.#failure)
    let added = this.#groups.get(group)
    if (added === undefined) {
      added = this.#coordinator(
        addOffsetsToTxn,
        { ...this.ref, group },
        `adding group '${group}' to a transaction`,
        ({ errorCode }) => errorCode,
      ).then(() => {})
      this.#groups.set(group, added)
    }
    return added
  }

  get ref() {
    const { producerId, epoch } = this.identity
    return { transactionalId: this.transactionalId, producerId, producerEpoch: epoch }
  }

  async #add(fresh: readonly { readonly topic: string; readonly partition: number }[]): Promise<void> {
    const partitions = fresh.map(({ topic, partition }) => ({ topic, partition }))
    await this.#coordinator(
      addPartitionsToTxn,
      { ...this.ref, partitions },
      `adding partitions of '${partitions[0]!.topic}' to a transaction`,
      (results) => {
        const refused = results.map(({ errorCode }) => errorCode).filter((code) => code !== KafkaError.NONE)
        return refused.find((code) => code !== NOT_ATTEMPTED) ?? refused[0] ?? KafkaError.NONE
      },
    )
  }

  async #coordinator<Request, Response>(
    ...[api, request, doing, codeOf]: [
      Parameters<typeof askCoordinator<Request, Response>>[2],
      Request,
      string,
      (answer: Response) => number,
    ]
  ): Promise<Response> {
    const { transactionalId } = this
    const deadline = performance.now() + this.#timeoutMs
    try {
      const to = { kind: 'transaction', transactionalId } as const
      return await askCoordinator(this.#wire, to, api, request, doing, codeOf, deadline)
    } catch (error) {
      this.#failure ??= error as StreamError
      throw error
    }
  }
}

function abortFirst(cause: StreamError): StreamError {
  if (cause.code === 'FENCED') return cause
  return new StreamError(
    'UNAVAILABLE',
    `an earlier part of the transaction failed (${cause.message}): abort the transaction and begin it again`,
    { cause, retryable: false },
  )
}
