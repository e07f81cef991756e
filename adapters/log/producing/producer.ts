import {
  type Acknowledgement,
  type DriverProducer,
  type EncodedRecord,
  type SendOptions,
  StreamError,
} from '../../../src/driver.ts'
import type { BrokerLink } from '../broker-link.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { TopicChannel } from './topic-channel.ts'

/** Produces into a log: one channel a topic, each with a producer id of its own, so that nothing is written twice. */
export class LogProducer implements DriverProducer {
  readonly #link: BrokerLink
  readonly #clientId: string
  readonly #channels = new Map<string, TopicChannel>()
  readonly #onClose: (producer: LogProducer) => void
  #closing: Promise<void> | undefined

  constructor(link: BrokerLink, clientId: string, onClose: (producer: LogProducer) => void) {
    this.#link = link
    this.#clientId = clientId
    this.#onClose = onClose
  }

  send(topic: string, records: readonly EncodedRecord[], options?: SendOptions): Promise<Acknowledgement> {
    const signal = options?.signal
    if (this.#closing !== undefined) return Promise.reject(this.#closedError())
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    let channel = this.#channels.get(topic)
    if (channel === undefined) {
      channel = new TopicChannel(topic, this.#link, undefined)
      this.#channels.set(topic, channel)
    }
    const result = channel.send(records).result()
    return signal === undefined ? result : unlessAborted(result, signal)
  }

  async flush(): Promise<void> {
    await Promise.all(Array.from(this.#channels.values(), (channel) => channel.idle()))
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
    for (const channel of this.#channels.values()) channel.close(this.#closedError())
    this.#onClose(this)
  }

  #closedError(): StreamError {
    return new StreamError('CLOSED', `the producer '${this.#clientId}' is closed: open another one`)
  }
}
