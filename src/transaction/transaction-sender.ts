import type { Acknowledgement, Driver, DriverTransaction } from '../driver.ts'
import { StreamError } from '../errors.ts'
import { checkRecordSize, encodeRecord } from '../producer/encode-record.ts'
import type { RecordOptions, SendResult, SendResults } from '../producer/producer.ts'
import { AcknowledgedResults } from '../producer/send-results.ts'
import type { EncodedRecord, NewRecord } from '../record.ts'
import type { Transaction } from '../streams.ts'
import { type AnyTopic, type TopicLike, topicOf } from '../topic.ts'

/** The sending side of one transaction: calls go out one after another, so that their order is theirs. */
export class TransactionSender implements Transaction {
  private readonly driver: Driver
  private readonly transaction: DriverTransaction
  private last: Promise<unknown> = Promise.resolve()
  private failure: { error: unknown } | undefined
  private over = false

  constructor(driver: Driver, transaction: DriverTransaction) {
    this.driver = driver
    this.transaction = transaction
  }

  async send(topic: TopicLike, value: unknown, options: RecordOptions<unknown> = {}): Promise<SendResult> {
    const results = await this.submit(topicOf(topic), [value], () => options)
    return results.at(0)
  }

  sendBatch(topic: TopicLike, values: readonly unknown[]): Promise<SendResults> {
    return this.submit(topicOf(topic), values)
  }

  sendRecords(topic: TopicLike, records: readonly NewRecord<unknown>[]): Promise<SendResults> {
    const values = records.map((record) => record.value)
    return this.submit(topicOf(topic), values, (i) => records[i] as RecordOptions<unknown>)
  }

  /** Resolves when all was sent, awaited by the caller or not; rejects with the first failure. No more may be sent. */
  async settle(): Promise<void> {
    this.over = true
    await this.last
    if (this.failure) throw this.failure.error
  }

  private submit(
    topic: AnyTopic,
    values: readonly unknown[],
    options?: (index: number) => RecordOptions<unknown>,
  ): Promise<SendResults> {
    if (this.over) {
      return Promise.reject(
        new StreamError('INVALID_ARGUMENT', 'the transaction is over: await every send inside its function.'),
      )
    }
    const sent = this.last.then(() => this.write(topic, values, options))
    this.last = sent.catch((error) => {
      this.failure ??= { error }
    })
    return sent
  }

  private async write(
    topic: AnyTopic,
    values: readonly unknown[],
    options: ((index: number) => RecordOptions<unknown>) | undefined,
  ): Promise<SendResults> {
    if (this.failure) throw this.failure.error
    if (topic.codec.validate) {
      for (const value of values) if (value !== null) await topic.codec.validate(value)
    }
    const records = values.map((value, i) => encodeRecord(topic, value, options?.(i)))
    await this.checkSizes(topic.name, records)
    const acknowledgement: Acknowledgement = await this.transaction.send(topic.name, records)
    return new AcknowledgedResults(acknowledgement, 0, records.length)
  }

  private readonly limits = new Map<string, number>()

  private async checkSizes(topic: string, records: readonly EncodedRecord[]): Promise<void> {
    let limit = this.limits.get(topic)
    if (limit === undefined) {
      limit = (await this.driver.admin.describeTopic(topic)).maxRecordBytes
      this.limits.set(topic, limit)
    }
    for (const record of records) checkRecordSize(topic, record, limit)
  }
}
