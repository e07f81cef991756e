import type { DriverFactory } from '../../src/driver.ts'
import { parseAddress } from './address.ts'
import { KafkaDriver } from './driver.ts'
import { partitionerNamed } from './producing/partitioner.ts'
import { readSasl } from './security/sasl.ts'
import { readTls } from './security/tls.ts'
import { openWire } from './wire/open-wire.ts'

export { type KafkaAddress, parseAddress } from './address.ts'
export type { AwsCredentials, AwsCredentialsProvider } from './security/iam.ts'
export type { KafkaCredentials } from './security/sasl.ts'
export type { TlsSettings } from './wire/settings.ts'

/**
 * Opens `kafka://host:9092,host2:9092?…`, or Amazon MSK by `msk://host:9098?region=…`. Rejects INVALID_ARGUMENT (address,
 * credentials), UNAVAILABLE and TIMEOUT (no broker there, wrong port), PERMISSION_DENIED (credentials, certificate) and UNSUPPORTED
 * (Kafka before 2.8, the driver's package not installed), within seconds.
 */
export const openKafka: DriverFactory = async (address, { logger, credentials, tls }) => {
  const parsed = parseAddress(address)
  const { seeds, acks, compression, deliveryTimeoutMs, connectTimeoutMs, rack, groupProtocol } = parsed
  const partitioner = partitionerNamed(parsed.partitioner)
  const sasl = readSasl(parsed, credentials)
  const tlsSettings = readTls(parsed.security, tls, parsed.scheme === 'msk')
  if (sasl?.mechanism === 'plain' && tlsSettings === undefined) {
    logger.warn('the password goes over the network as plain text: add tls=true where it leaves this machine')
  }
  const clientId = parsed.clientId ?? `millrace-${process.pid}`
  const wire = await openWire({ seeds, clientId, tls: tlsSettings, sasl, connectTimeoutMs }, parsed.driver)
  const settings = { acks, compression, partitioner, deliveryTimeoutMs }
  return new KafkaDriver(address, { wire, logger, rack, groupProtocol }, settings)
}
