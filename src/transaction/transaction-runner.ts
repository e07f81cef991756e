import type { ConsumedBatch } from '../batch.ts'
import { CoreConsumedBatch } from '../consumer/consumed-batch.ts'
import type { Driver, DriverTransaction, TransactionalProducer } from '../driver.ts'
import { StreamError } from '../errors.ts'
import type { Transaction, TransactionOptions } from '../streams.ts'
import { TransactionSender } from './transaction-sender.ts'

const DEFAULT_TIMEOUT_MS = 60_000

/** A producer of one transactional id, and whose turn it is on it. */
interface Seat {
  producer: Promise<TransactionalProducer>
  turn: Promise<void>
}

/**
 * Runs transactions. Without an id of the caller's each takes an idle producer, so that several run at once; with one
 * they take turns. A producer whose transaction did not end cleanly is thrown away.
 */
export class TransactionRunner {
  private readonly driver: Driver
  private readonly idle: Promise<TransactionalProducer>[] = []
  private readonly named = new Map<string, Seat>()
  private readonly open = new Set<TransactionalProducer>()

  constructor(driver: Driver) {
    this.driver = driver
  }

  async run<T>(
    batch: ConsumedBatch<unknown> | undefined,
    work: (tx: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    if (this.driver.openTransactions === undefined) {
      throw new StreamError(
        'UNSUPPORTED',
        `${this.driver.name} has no transactions: use log, memory or Kafka for them.`,
      )
    }
    if (batch !== undefined && !(batch instanceof CoreConsumedBatch)) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        'transaction() takes a batch that a consumer of this library gave.',
      )
    }
    if (options.transactionalId === undefined) {
      const producer = this.idle.pop() ?? this.openProducer(options)
      const { result, clean } = await this.attempt(producer, batch, work)
      if (clean) this.idle.push(producer)
      return result()
    }
    return this.runNamed(options.transactionalId, batch, work, options)
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.open].map((producer) => producer.close()))
  }

  private async runNamed<T>(
    id: string,
    batch: CoreConsumedBatch | undefined,
    work: (tx: Transaction) => Promise<T>,
    options: TransactionOptions,
  ): Promise<T> {
    const seat = this.named.get(id) ?? { producer: this.openProducer(options), turn: Promise.resolve() }
    this.named.set(id, seat)
    const turn = seat.turn.then(async () => {
      const { result, clean } = await this.attempt(seat.producer, batch, work)
      if (!clean) seat.producer = this.openProducer(options)
      return result
    })
    seat.turn = turn.then(
      () => {},
      () => {},
    )
    return (await turn)()
  }

  private openProducer(options: TransactionOptions): Promise<TransactionalProducer> {
    const opening = this.driver.openTransactions?.({
      ...(options.transactionalId !== undefined && { transactionalId: options.transactionalId }),
      clientId: `millrace-${process.pid}`,
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    }) as Promise<TransactionalProducer>
    opening.then(
      (producer) => this.open.add(producer),
      () => {},
    )
    return opening
  }

  /** One transaction from begin to end; `clean` tells whether the producer can be used again. */
  private async attempt<T>(
    opening: Promise<TransactionalProducer>,
    batch: CoreConsumedBatch | undefined,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<{ result: () => T; clean: boolean }> {
    let producer: TransactionalProducer | undefined
    let transaction: DriverTransaction | undefined
    try {
      producer = await opening
      transaction = await producer.begin()
      const sender = new TransactionSender(this.driver, transaction)
      const value = await work(sender)
      await sender.settle()
      await batch?.checkpointIn(transaction)
      await transaction.commit()
      batch?.checkpointed()
      return { result: () => value, clean: true }
    } catch (error) {
      const aborted = await this.abort(transaction, error)
      if (!aborted && producer) {
        this.open.delete(producer)
        await producer.close().catch(() => {})
      }
      const result = (): never => {
        throw error
      }
      return { result, clean: aborted }
    }
  }

  private async abort(transaction: DriverTransaction | undefined, cause: unknown): Promise<boolean> {
    if (transaction === undefined) return false
    try {
      await transaction.abort()
      return !(cause instanceof StreamError && cause.code === 'FENCED')
    } catch {
      // The backend ends it by its time-out or by the fencing of the next producer; the caller gets the first error.
      return false
    }
  }
}
