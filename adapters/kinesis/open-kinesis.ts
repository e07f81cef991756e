import { ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { type DriverFactory, StreamError } from '../../src/driver.ts'
import { parseAddress } from './address.ts'
import { KinesisDriver } from './driver.ts'
import { KinesisGroups } from './leasing/groups.ts'
import { joinGroupIn } from './leasing/join-group.ts'
import { leaseStores } from './leasing/lease-stores.ts'
import { openReader } from './reading/open-reader.ts'
import { awsConnection } from './service/aws-connection.ts'
import { retrying } from './service/retrying.ts'
import { SdkService } from './service/sdk-service.ts'
import type { KinesisService } from './service/service.ts'
import { SdkCatalog } from './shards/sdk-catalog.ts'

/** A service that has trouble is asked again for so long. */
const REACH_MS = 3_000

/** See `openKinesis`; here are the imports of the SDK. */
export const openWithSdk: DriverFactory = async (address, { logger, credentials, tls, openTables }) => {
  const settings = parseAddress(address)
  if (tls !== undefined) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      'Kinesis takes no option tls: write endpoint=https://…, and give a certificate authority by NODE_EXTRA_CA_CERTS',
    )
  }
  const connection = await awsConnection(settings, credentials)
  const { endpoint, requestTimeoutMs } = settings
  const service = new SdkService({ connection, endpoint, requestTimeoutMs })
  try {
    await reach(service)
  } catch (error) {
    service.close()
    throw error
  }
  const kinesis = { address, settings, connection, service, streams: new SdkCatalog(service), logger }
  const stores = leaseStores({ address: settings, connection, openTables })
  return new KinesisDriver(kinesis, {
    openReader,
    joinGroup: joinGroupIn(stores),
    groups: new KinesisGroups(kinesis, stores),
    close: () => stores.close(),
  })
}

/** Fails at once where nothing is there or the credentials are not accepted. */
async function reach(service: KinesisService): Promise<void> {
  try {
    await retrying(() => service.call(new ListStreamsCommand({ Limit: 1 })), {
      deadline: performance.now() + REACH_MS,
      // Only where somebody answered: what is not there is said at once.
      again: ({ retryable, cause }) => retryable && statusOf(cause) >= 500,
    })
  } catch (error) {
    // Who may not list streams, or does so too often, has reached the service with good credentials.
    const name = ((error as Error).cause as Error | undefined)?.name
    if (name === 'AccessDeniedException' || (error as StreamError).code === 'THROTTLED') return
    throw error
  }
}

const statusOf = (cause: unknown): number =>
  (cause as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode ?? 0
