import type { ServerResponse } from 'node:http'
import { eventFrame } from './event-frame.ts'

/** The answer of SubscribeToShard: events in frames, until one side ends it. */
export class EventSink {
  readonly #response: ServerResponse
  readonly #cut: () => void

  /** `cut` breaks the connection under the answer. */
  constructor(response: ServerResponse, cut: () => void) {
    this.#response = response
    this.#cut = cut
  }

  /** False: wait for `onDrain`. */
  event(type: string, payload: object): boolean {
    return this.#write(
      {
        ':event-type': type,
        ':content-type': 'application/x-amz-json-1.1',
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
        ':content-type': 'application/x-amz-json-1.1',
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
    return this.#response.write(eventFrame(headers, JSON.stringify(payload)))
  }
}
