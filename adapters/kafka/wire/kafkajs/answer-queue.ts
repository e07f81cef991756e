/** A request of kafkajs's: ApiVersions and SASL. */
interface Entry {
  readonly correlationId: number
  resolve(answer: { correlationId: number; size: number; entry: Entry; payload: Buffer }): void
  reject(error: unknown): void
}

/**
 * Stands in for kafkajs's request queue, whose place in the connection it takes. Its own arms a timer with a negative delay after
 * every answer, polls for time-outs, and keeps a connection that has stopped answering.
 */
export class AnswerQueue {
  readonly #waiting = new Map<number, Entry>()

  push({ entry, sendRequest }: { entry: Entry; sendRequest: () => void }): void {
    this.#waiting.set(entry.correlationId, entry)
    sendRequest()
  }

  fulfillRequest({ correlationId, payload }: { correlationId: number; payload: Buffer }): void {
    const entry = this.#waiting.get(correlationId)
    this.#waiting.delete(correlationId)
    entry?.resolve({ correlationId, size: payload.length, entry, payload })
  }

  rejectAll(error: unknown): void {
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const entry of all) entry.reject(error)
  }

  /** A connection that ends does not wait for answers: they will not come. */
  async waitForPendingRequests(): Promise<void> {}
  scheduleRequestTimeoutCheck(): void {}
  maybeThrottle(): void {}
  destroy(): void {}
}
