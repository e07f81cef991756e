interface Waiting {
  resolve(payload: Buffer): void
  reject(error: unknown): void
}

/** A request of kafkajs's own. */
interface Entry {
  readonly correlationId: number
  resolve(answer: { correlationId: number; size: number; entry: Entry; payload: Buffer }): void
  reject(error: unknown): void
}

/**
 * Stands in for kafkajs's request queue, whose place in the connection it takes: what is sent waits here for its answer. Its own
 * arms a timer with a negative delay after every answer, polls for time-outs, and keeps a connection that has stopped answering.
 */
export class AnswerQueue {
  readonly #waiting = new Map<number, Waiting>()

  /** From kafkajs itself, for ApiVersions and SASL. */
  push({ entry, sendRequest }: { entry: Entry; sendRequest: () => void }): void {
    const { correlationId } = entry
    this.expect(correlationId, {
      resolve: (payload) => entry.resolve({ correlationId, size: payload.length, entry, payload }),
      reject: (error) => entry.reject(error),
    })
    sendRequest()
  }

  expect(correlationId: number, waiting: Waiting): void {
    this.#waiting.set(correlationId, waiting)
  }

  fulfillRequest({ correlationId, payload }: { correlationId: number; payload: Buffer }): void {
    const waiting = this.#waiting.get(correlationId)
    this.#waiting.delete(correlationId)
    waiting?.resolve(payload)
  }

  rejectAll(error: unknown): void {
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const waiting of all) waiting.reject(error)
  }

  /** A connection that ends does not wait for answers: they will not come. */
  async waitForPendingRequests(): Promise<void> {}
  scheduleRequestTimeoutCheck(): void {}
  maybeThrottle(): void {}
  destroy(): void {}
}
