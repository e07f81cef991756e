import { ClusterWire } from './cluster-wire.ts'
import type { Connector } from './connector.ts'
import { KafkajsConnector } from './kafkajs/connection.ts'
import { PlatformaticConnector } from './platformatic/connection.ts'
import type { ConnectionSettings, DriverName } from './settings.ts'
import type { KafkaWire } from './wire.ts'

/**
 * Opens the way to a cluster and asks it something, so that what is wrong with it is noticed here. Rejects as `KafkaWire.request`,
 * and UNSUPPORTED where the driver's package is not installed.
 */
export async function openWire(settings: ConnectionSettings, driver: DriverName): Promise<KafkaWire> {
  const wire = new ClusterWire(await connectorOf(settings, driver), settings)
  try {
    await wire.nodeOf({ kind: 'any' })
    return wire
  } catch (error) {
    await wire.close()
    throw error
  }
}

async function connectorOf(settings: ConnectionSettings, driver: DriverName): Promise<Connector> {
  return driver === 'kafkajs' ? new KafkajsConnector(settings) : PlatformaticConnector.open(settings)
}
