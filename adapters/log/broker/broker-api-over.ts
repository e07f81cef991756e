import { BROKER_METHODS, type BrokerApi, type BrokerMethod } from './broker-api.ts'

/** One call of `BrokerApi` as data. */
export type BrokerCall = (method: BrokerMethod, request: object, signal: AbortSignal | undefined) => unknown

/** A `BrokerApi` whose every method goes through one function. */
export function brokerApiOver(call: BrokerCall): BrokerApi {
  const methods = BROKER_METHODS.map((method) => [
    method,
    (request: object, signal?: AbortSignal) => call(method, request, signal),
  ])
  return Object.fromEntries(methods)
}

/** And back: calls the method of that name. */
export function callBroker(broker: BrokerApi, ...[method, request, signal]: Parameters<BrokerCall>): unknown {
  const methods = broker as unknown as Record<
    BrokerMethod,
    (request: object, signal?: AbortSignal) => unknown
  >
  return methods[method](request, signal)
}
