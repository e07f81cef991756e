import { randomUUID } from 'node:crypto'
import {
  type Acknowledgement,
  type CheckpointUpdate,
  type DriverTransaction,
  type EncodedRecord,
  type GroupMember,
  StreamError,
  type TransactionalProducer,
  type TransactionsOptions,
} from '../../../src/driver.ts'
import type { InitProducerRequest, MemberRef, PlainCheckpoint } from '../broker/broker-api.ts'
import type { BrokerLink } from '../broker-link.ts'
import { LogMember } from '../grouping/log-member.ts'
import { type ProducerIdentity, TopicChannel } from '../producing/topic-channel.ts'

/** Transactions of one transactional id, one after another. */
export class LogTransactionalProducer implements TransactionalProducer {
  readonly #link: BrokerLink
  readonly #init: InitProducerRequest
  readonly #onClose: (producer: LogTransactionalProducer) => void
  #identity: ProducerIdentity
  #channels = new Map<string, TopicChannel>()
  #current: LogTransaction | undefined
  #number = 0
  #closed = false

  private constructor(
    link: BrokerLink,
    init: InitProducerRequest,
    identity: ProducerIdentity,
    onClose: (producer: LogTransactionalProducer) => void,
  ) {
    this.#link = link
    this.#init = init
    this.#identity = identity
    this.#onClose = onClose
  }

  static async open(
    link: BrokerLink,
    options: TransactionsOptions,
    onClose: (producer: LogTransactionalProducer) => void,
  ): Promise<LogTransactionalProducer> {
    const { transactionalId, timeoutMs, clientId } = options
    if (!(timeoutMs > 0)) {
      throw new StreamError('INVALID_ARGUMENT', `timeoutMs ${timeoutMs}: give milliseconds above 0`)
    }
    const id = transactionalId ?? `${clientId}-${randomUUID()}`
    const transactional = { id, anonymous: transactionalId === undefined, timeoutMs }
    const init = { transactional, owner: link.owner }
    return new LogTransactionalProducer(link, init, await link.initProducer(init), onClose)
  }

  async begin(): Promise<DriverTransaction> {
    if (this.#closed)
      throw new StreamError('CLOSED', 'the transactional producer is closed: open another one')
    if (this.#current?.isOpen === true) {
      throw new StreamError('INVALID_ARGUMENT', 'a transaction is open: commit or abort it before the next')
    }
    const failed = [...this.#channels.values()].some((channel) => channel.failed)
    if (failed) {
      // Its sequences are in doubt. Under a new epoch they begin anew, and what may still be on its way is refused.
      this.#identity = await this.#link.initProducer(this.#init)
      this.#channels = new Map()
      this.#number = 0
    }
    this.#current = new LogTransaction(this.#link, this.#identity, this.#channels, ++this.#number)
    return this.#current
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const error = new StreamError('CLOSED', 'the transactional producer is closed: open another one')
    for (const channel of this.#channels.values()) channel.close(error)
    this.#onClose(this)
    await this.#link.closeProducer(this.#identity)
  }
}

class LogTransaction implements DriverTransaction {
  readonly #link: BrokerLink
  readonly #identity: ProducerIdentity
  readonly #channels: Map<string, TopicChannel>
  readonly #number: number
  readonly #checkpoints: (MemberRef & { updates: PlainCheckpoint[] })[] = []
  #failure: unknown
  isOpen = true

  constructor(
    link: BrokerLink,
    identity: ProducerIdentity,
    channels: Map<string, TopicChannel>,
    number: number,
  ) {
    this.#link = link
    this.#identity = identity
    this.#channels = channels
    this.#number = number
  }

  async send(topic: string, records: readonly EncodedRecord[]): Promise<Acknowledgement> {
    this.#checkOpen()
    let channel = this.#channels.get(topic)
    if (channel === undefined) {
      channel = new TopicChannel(topic, this.#link, this.#identity)
      this.#channels.set(topic, channel)
    }
    try {
      return await channel.send(records).result()
    } catch (error) {
      this.#failure ??= error
      throw error
    }
  }

  async checkpoint(member: GroupMember, updates: readonly CheckpointUpdate[]): Promise<void> {
    this.#checkOpen()
    if (!(member instanceof LogMember)) {
      throw new StreamError(
        'INVALID_ARGUMENT',
        'a member of another backend: checkpoint in a transaction of its own',
      )
    }
    const plain = updates.map((update) => member.toPlain(update))
    for (const { assignment } of updates) {
      if (member.holds(assignment)) continue
      const { topic, partition } = assignment
      throw new StreamError(
        'FENCED',
        `partition ${partition} of '${topic}' is no longer assigned to ${member.memberId}: abort the transaction, its ` +
          'records come again to the present owner',
        { topic, partition },
      )
    }
    this.#checkpoints.push({ ...member.ref, updates: plain })
  }

  async commit(): Promise<void> {
    this.#checkOpen()
    await this.#settled()
    if (this.#failure !== undefined) {
      await this.abort()
      throw this.#failure
    }
    this.isOpen = false
    await this.#end(true)
  }

  async abort(): Promise<void> {
    if (!this.isOpen) return
    this.isOpen = false
    await this.#settled()
    await this.#end(false)
  }

  async #end(commit: boolean): Promise<void> {
    const checkpoints = commit ? this.#checkpoints : []
    await this.#link.endTransaction({ ...this.#identity, number: this.#number, commit, checkpoints })
  }

  async #settled(): Promise<void> {
    await Promise.all(Array.from(this.#channels.values(), (channel) => channel.idle()))
  }

  #checkOpen(): void {
    if (!this.isOpen) throw new StreamError('INVALID_ARGUMENT', 'the transaction is over: begin another one')
  }
}
