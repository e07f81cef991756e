import { randomUUID } from 'node:crypto'
import { StreamError } from '../../src/driver.ts'
import type { BrokerApi } from './broker/broker-api.ts'
import { brokerApiOver, callBroker } from './broker/broker-api-over.ts'
import { hostId } from './broker/process-alive.ts'
import type { BrokerLink } from './broker-link.ts'
import { classify } from './classify.ts'

/** A link to a broker that stays in this process. `close` is called once, when the link is closed. */
export function localLink(broker: BrokerApi, close: (owner: string) => Promise<void>): BrokerLink {
  let closing: Promise<void> | undefined
  const owner = { id: randomUUID(), pid: process.pid, host: hostId() }
  const rethrow = (error: unknown): never => {
    throw classify(error)
  }
  const api = brokerApiOver((method, request, signal) => {
    if (closing !== undefined) {
      const error = new StreamError('CLOSED', 'the connection is closed: connect again')
      if (method === 'produce') throw error
      return Promise.reject(error)
    }
    const answer = callBroker(broker, method, request, signal)
    return answer instanceof Promise ? answer.catch(rethrow) : answer
  })
  return {
    ...api,
    // The hot path goes straight to the broker, which classifies by itself.
    produce: (request) => {
      if (closing !== undefined) throw new StreamError('CLOSED', 'the connection is closed: connect again')
      return broker.produce(request)
    },
    owner,
    local: true,
    close() {
      closing ??= close(owner.id)
      return closing
    },
  }
}
