import { randomUUID } from 'node:crypto'
import {
  type Acknowledgement,
  type DriverProducer,
  type DriverProducerOptions,
  type EncodedRecord,
  type SendOptions,
  StreamError,
} from '../../../src/driver.ts'
import type { Kinesis } from '../parts.ts'
import { RecordEncoder } from '../records/index.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { SendCall } from './send-call.ts'
import { StreamWriter } from './stream-writer.ts'

/** Produces into streams. */
export class KinesisProducer implements DriverProducer {
  readonly #kinesis: Kinesis
  readonly #clientId: string
  readonly #onClose: (producer: KinesisProducer) => void
  readonly #encoder: RecordEncoder
  readonly #writers = new Map<string, StreamWriter>()
  #closing: Promise<void> | undefined

  constructor(
    kinesis: Kinesis,
    options: DriverProducerOptions,
    onClose: (producer: KinesisProducer) => void,
  ) {
    this.#kinesis = kinesis
    this.#clientId = options.clientId
    this.#onClose = onClose
    this.#encoder = new RecordEncoder(kinesis.settings.dedupe ? randomUUID() : undefined)
  }

  send(topic: string, records: readonly EncodedRecord[], options?: SendOptions): Promise<Acknowledgement> {
    const signal = options?.signal
    if (this.#closing !== undefined) return Promise.reject(this.#closedError())
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const call = new SendCall(topic, records)
    if (records.length === 0) {
      call.settleEmpty()
      return call.result
    }
    let writer = this.#writers.get(topic)
    if (writer === undefined) {
      writer = new StreamWriter(this.#kinesis, topic, this.#encoder)
      this.#writers.set(topic, writer)
    }
    writer.send(call)
    return signal === undefined ? call.result : unlessAborted(call.result, signal)
  }

  async flush(): Promise<void> {
    await Promise.all(Array.from(this.#writers.values(), (writer) => writer.flush()))
  }

  close(deadlineMs: number): Promise<void> {
    this.#closing ??= this.#close(deadlineMs)
    return this.#closing
  }

  async #close(deadlineMs: number): Promise<void> {
    const deadline = Promise.withResolvers<void>()
    const timer = setTimeout(deadline.resolve, deadlineMs)
    await Promise.race([this.flush(), deadline.promise])
    clearTimeout(timer)
    for (const writer of this.#writers.values()) writer.close(this.#closedError())
    this.#onClose(this)
  }

  #closedError(): StreamError {
    return new StreamError('CLOSED', `the producer '${this.#clientId}' is closed: open another one`)
  }
}
