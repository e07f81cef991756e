import type { ServerResponse } from 'node:http'
import type { BodyFormat } from './body-format.ts'
import { eventFrame } from './event-frame.ts'

/** The answer of SubscribeToShard: events in frames, until one side ends it. */
export class EventSink {
  readonly #response: ServerResponse
  readonly #format: BodyFormat
  readonly #cut: () => void

  /** `cut` breaks the connection under the answer. */
  constructor(response: ServerResponse, format: BodyFormat, cut: () => void) {
    this.#response = response
    this.#format = format
    this.#cut = cut
  }

  /** False: wait for `onDrain`. */
  event(type: string, payload: object): boolean {
    return this.#write(
      {
        ':event-type': type,
        ':content-type': this.#format.contentType,
        ':message-type': 'event',
      },
      payload,
    )
  }

  /** The last thing that a stream says: it ends by it. */
  exception(code: string, message: string): void {
    this.#write(
      {
        ':exception-type': code,
        ':content-type': this.#format.contentType,
        ':message-type': 'exception',
      },
      { message },
    )
    this.end()
  }

  end(): void {
    this.#response.end()
  }

  cut(): void {
    this.#cut()
  }

  onDrain(callback: () => void): void {
    this.#response.once('drain', callback)
  }

  onClose(callback: () => void): void {
    this.#response.once('close', callback)
  }

  #write(headers: Record<string, string>, payload: object): boolean {
    if (this.#response.destroyed || this.#response.writableEnded) return true
    return this.#response.write(eventFrame(headers, this.#format.write(payload)))
  }
}
