import type { Acknowledgement } from '../../../src/driver.ts'
import type { Mutation } from './mutate.ts'

/** Answers before the record is in the log, and then it is lost: every fifth call is acknowledged like the one before it. */
export const acknowledgesBeforeAppend: Mutation = {
  producer(producer) {
    let calls = 0
    const last = new Map<string, Acknowledgement>()
    return {
      async send(topic, records, options) {
        const before = last.get(topic)
        if (++calls % 5 === 0 && before !== undefined && before.count >= records.length) return before
        const answer = await producer.send(topic, records, options)
        last.set(topic, answer)
        return answer
      },
      flush: () => producer.flush(),
      close: (deadlineMs) => producer.close(deadlineMs),
    }
  },
}

/** As a retry after a lost answer without idempotence. */
export const appendsTwice: Mutation = {
  producer(producer) {
    let calls = 0
    return {
      async send(topic, records, options) {
        if (++calls % 5 === 0) await producer.send(topic, records, options)
        return producer.send(topic, records, options)
      },
      flush: () => producer.flush(),
      close: (deadlineMs) => producer.close(deadlineMs),
    }
  },
}

/** Later calls overtake earlier ones. */
export const reordersSends: Mutation = {
  producer(producer) {
    let calls = 0
    return {
      async send(topic, records, options) {
        if (++calls % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
        return producer.send(topic, records, options)
      },
      flush: () => producer.flush(),
      close: (deadlineMs) => producer.close(deadlineMs),
    }
  },
}
