import { inject } from 'vitest'
import { openWire } from '../../../adapters/kafka/wire/open-wire.ts'
import type { ConnectionSettings, DriverName } from '../../../adapters/kafka/wire/settings.ts'
import type { KafkaWire } from '../../../adapters/kafka/wire/wire.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Whose hand-shake the container suites of this project go by. */
    kafkaDriver: DriverName
  }
}

/** An address of these brokers (`host:port,host:port`) by the driver that this run is for. */
export function kafkaAddress(brokers: string, parameters: Readonly<Record<string, string>> = {}): string {
  return `kafka://${brokers}?${new URLSearchParams({ driver: inject('kafkaDriver'), ...parameters })}`
}

/** A wire to these brokers by the driver that this run is for; plain unless said otherwise. */
export function openTestWire(
  brokers: string,
  settings: Partial<ConnectionSettings> = {},
): Promise<KafkaWire> {
  const seeds = brokers.split(',').map((address) => {
    const [host, port] = address.split(':')
    return { host: host!, port: Number(port) }
  })
  const plain = { clientId: 'tests', tls: undefined, sasl: undefined, connectTimeoutMs: 5_000 }
  return openWire({ ...plain, seeds, ...settings }, inject('kafkaDriver'))
}
