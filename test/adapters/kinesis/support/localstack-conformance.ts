import { quiet } from '../../../conformance/connection.ts'
import type { Backend } from '../../../conformance/index.ts'
import { sharedLocalstack } from '../../../support/localstack/shared-localstack.ts'
import { setCredentials } from './credentials.ts'
import { openWithLongSessions } from './open-with-long-sessions.ts'

const module = new URL('./open-with-long-sessions.ts', import.meta.url).href

/** LocalStack, with leases in its DynamoDB. */
export async function localstackBackend(): Promise<Backend> {
  setCredentials()
  const address = `kinesis://us-east-1?${new URLSearchParams({ endpoint: await sharedLocalstack() })}`
  return {
    openDriver: () => openWithLongSessions(address, { logger: quiet }),
    child: { module, factory: 'openWithLongSessions', address },
    faults: { crash: (driver) => driver.close() },
    async close() {},
  }
}
