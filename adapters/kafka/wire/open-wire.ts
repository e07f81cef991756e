import { ClusterWire } from './cluster-wire.ts'
import { KafkajsConnector } from './kafkajs/connection.ts'
import type { ConnectionSettings } from './settings.ts'
import type { KafkaWire } from './wire.ts'

/** Opens the way to a cluster and asks it something, so that what is wrong with it is noticed here. Rejects as `KafkaWire.request`. */
export async function openWire(settings: ConnectionSettings): Promise<KafkaWire> {
  const wire = new ClusterWire(new KafkajsConnector(settings), settings)
  try {
    await wire.nodeOf({ kind: 'any' })
    return wire
  } catch (error) {
    await wire.close()
    throw error
  }
}
