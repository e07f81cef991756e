import type { Backend } from '../../../conformance/index.ts'
import { sharedLocalstack } from '../../../support/localstack/shared-localstack.ts'
import { connections } from './connections.ts'
import { setCredentials } from './credentials.ts'

/** LocalStack, with leases in its DynamoDB. */
export async function localstackBackend(): Promise<Backend> {
  setCredentials()
  return {
    ...connections({ endpoint: await sharedLocalstack() }),
    faults: { crash: (driver) => driver.close() },
    async close() {},
  }
}
