import {
  type Acknowledgement,
  type DriverProducer,
  type EncodedRecord,
  type SendOptions,
  StreamError,
} from '../../../src/driver.ts'
import { unlessAborted } from '../reading/unless-aborted.ts'
import type { ProduceEngine } from './produce-engine.ts'

/** Produces into a cluster's topics. */
export class KafkaProducer implements DriverProducer {
  readonly #engine: ProduceEngine
  readonly #clientId: string
  readonly #onClose: (producer: KafkaProducer) => void
  #closing: Promise<void> | undefined

  constructor(engine: ProduceEngine, clientId: string, onClose: (producer: KafkaProducer) => void) {
    this.#engine = engine
    this.#clientId = clientId
    this.#onClose = onClose
  }

  send(topic: string, records: readonly EncodedRecord[], options?: SendOptions): Promise<Acknowledgement> {
    const signal = options?.signal
    if (this.#closing !== undefined) return Promise.reject(this.#closedError())
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const { result } = this.#engine.send(topic, records, options?.onWritten)
    return signal === undefined ? result : unlessAborted(result, signal)
  }

  flush(): Promise<void> {
    return this.#engine.idle()
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
    this.#engine.close(this.#closedError())
    this.#onClose(this)
  }

  #closedError(): StreamError {
    return new StreamError('CLOSED', `the producer '${this.#clientId}' is closed: open another one`)
  }
}
