import { randomUUID } from 'node:crypto'
import {
  type DriverTransaction,
  StreamError,
  type TransactionalProducer,
  type TransactionsOptions,
} from '../../../src/driver.ts'
import type { Identity } from '../producing/identity.ts'
import { type EngineSettings, ProduceEngine } from '../producing/produce-engine.ts'
import { initProducerId } from '../wire/protocol/init-producer-id.ts'
import type { KafkaWire } from '../wire/wire.ts'
import { askCoordinator } from './coordinator.ts'
import { KafkaTransaction } from './kafka-transaction.ts'
import { TransactionalIdentity } from './transactional-identity.ts'

const INIT_DEADLINE_MS = 60_000
const NOBODY: Identity = { producerId: -1, epoch: -1 }

/** Transactions of one transactional id, one after another. */
export class KafkaTransactionalProducer implements TransactionalProducer {
  readonly #wire: KafkaWire
  readonly #settings: EngineSettings
  readonly #timeoutMs: number
  readonly #onClose: (producer: KafkaTransactionalProducer) => void
  #identity: TransactionalIdentity
  #engine: ProduceEngine
  #current: KafkaTransaction | undefined
  #closed = false

  private constructor(
    wire: KafkaWire,
    settings: EngineSettings,
    identity: TransactionalIdentity,
    timeoutMs: number,
    onClose: (producer: KafkaTransactionalProducer) => void,
  ) {
    this.#wire = wire
    this.#settings = settings
    this.#identity = identity
    this.#timeoutMs = timeoutMs
    this.#onClose = onClose
    this.#engine = new ProduceEngine(wire, identity, settings)
  }

  /** Fences earlier users of the id, and waits until what they left open has been aborted. */
  static async open(
    wire: KafkaWire,
    settings: EngineSettings,
    options: TransactionsOptions,
    onClose: (producer: KafkaTransactionalProducer) => void,
  ): Promise<KafkaTransactionalProducer> {
    const { transactionalId, timeoutMs, clientId } = options
    if (!(timeoutMs > 0 && timeoutMs <= 0x7fffffff)) {
      throw new StreamError('INVALID_ARGUMENT', `timeoutMs ${timeoutMs}: give milliseconds above 0`)
    }
    const id = transactionalId ?? `${clientId}-${randomUUID()}`
    const own = { ...settings, deliveryTimeoutMs: Math.min(settings.deliveryTimeoutMs, timeoutMs) }
    const identity = await initialize(wire, id, timeoutMs, NOBODY)
    return new KafkaTransactionalProducer(wire, own, identity, timeoutMs, onClose)
  }

  async begin(): Promise<DriverTransaction> {
    if (this.#closed) throw closedError()
    if (this.#current?.isOpen === true) {
      throw new StreamError('INVALID_ARGUMENT', 'a transaction is open: commit or abort it before the next')
    }
    const { failure, transactionalId, identity } = this.#identity
    if (failure !== undefined) {
      // Its sequences are in doubt. Under a new epoch they begin anew, and what may still be on its way is refused. Whoever
      // was fenced is told so here, too.
      this.#engine.close(failure)
      this.#identity = await initialize(this.#wire, transactionalId, this.#timeoutMs, identity)
      this.#engine = new ProduceEngine(this.#wire, this.#identity, this.#settings)
    }
    this.#current = new KafkaTransaction(this.#wire, this.#identity, this.#engine, this.#timeoutMs)
    return this.#current
  }

  /** A transaction that is open is left to the next user of the id, or to its time-out. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#engine.close(closedError())
    this.#onClose(this)
  }
}

async function initialize(
  wire: KafkaWire,
  transactionalId: string,
  timeoutMs: number,
  before: Identity,
): Promise<TransactionalIdentity> {
  const { producerId, producerEpoch } = await askCoordinator(
    wire,
    { kind: 'transaction', transactionalId },
    initProducerId,
    {
      transactionalId,
      transactionTimeoutMs: timeoutMs,
      producerId: before.producerId,
      producerEpoch: before.epoch,
    },
    `taking the transactional id '${transactionalId}'`,
    ({ errorCode }) => errorCode,
    performance.now() + INIT_DEADLINE_MS,
  )
  return new TransactionalIdentity(wire, transactionalId, { producerId, epoch: producerEpoch }, timeoutMs)
}

function closedError(): StreamError {
  return new StreamError('CLOSED', 'the transactional producer is closed: open another one')
}
