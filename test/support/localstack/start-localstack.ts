import { LocalstackContainer } from '@testcontainers/localstack'
import type { Startable } from '../containers/start-when-asked.ts'

/** The last one that needs no token. */
export const LOCALSTACK_IMAGE = 'localstack/localstack:4.14.0'
/** What containers of the tests are known by, so that leftovers of killed runs are found. */
export const LOCALSTACK_LABEL = 'millrace.tests.localstack'

/** One LocalStack with Kinesis and DynamoDB, in about 2 s. Its address is the endpoint for an SDK. */
export async function startLocalstack(): Promise<Startable> {
  // The image that ends containers after a crash need not be fetched: leftovers are found by their label.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'
  const container = await new LocalstackContainer(LOCALSTACK_IMAGE)
    .withLabels({ [LOCALSTACK_LABEL]: String(process.pid) })
    .withEnvironment({
      SERVICES: 'kinesis,dynamodb',
      // So that the first call of a test does not wait for its service.
      EAGER_SERVICE_LOADING: '1',
      // No usage reports, no look for updates: the tests stay on this machine.
      DISABLE_EVENTS: '1',
      SKIP_SSL_CERT_DOWNLOAD: '1',
      // The emulator's own waits for streams and consumers to become ACTIVE.
      KINESIS_LATENCY: '0',
      // Else it writes all that it holds to a file every five seconds, and answers nobody meanwhile.
      KINESIS_PERSISTENCE: '0',
      // All streams of a run together; the default is 100.
      KINESIS_SHARD_LIMIT: '100000',
      DYNAMODB_IN_MEMORY: '1',
      // A line for each request costs it more than some requests.
      LS_LOG: 'error',
    })
    .start()
  const address = container.getConnectionUri()
  try {
    // Kinesis is loaded by its first call.
    await listStreams(address)
  } catch (error) {
    await container.stop({ timeout: 0 })
    throw error
  }
  return {
    address,
    async stop() {
      await container.stop({ timeout: 1_000 })
    },
  }
}

async function listStreams(address: string): Promise<void> {
  const credential = 'Credential=test/20250101/us-east-1/kinesis/aws4_request'
  const answer = await fetch(address, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'Kinesis_20131202.ListStreams',
      authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=none`,
    },
    body: '{}',
  })
  if (!answer.ok) throw new Error(`LocalStack's Kinesis does not come up: ${await answer.text()}`)
}
