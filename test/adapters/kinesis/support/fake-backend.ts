import { openKinesis } from '../../../../adapters/kinesis/index.ts'
import type { Driver } from '../../../../src/driver.ts'
import { quiet } from '../../../conformance/connection.ts'
import { type KinesisFake, startKinesisFake } from '../../../support/kinesis-fake/start-kinesis-fake.ts'

export const credentials = { accessKeyId: 'AKIAFAKE', secretAccessKey: 'secret' }

/** A fake with a driver on it. */
export interface FakeConnection extends AsyncDisposable {
  readonly fake: KinesisFake
  readonly driver: Driver
}

/** `parameters` of the address beside the endpoint. */
export async function openOnFake(
  options: Parameters<typeof startKinesisFake>[0] = {},
  parameters: Readonly<Record<string, string>> = {},
): Promise<FakeConnection> {
  const fake = await startKinesisFake(options)
  const driver = await openKinesis(addressOf(fake, parameters), { logger: quiet, credentials })
  return {
    fake,
    driver,
    async [Symbol.asyncDispose]() {
      await driver.close()
      await fake.stop()
    },
  }
}

export function addressOf(
  { endpoint }: KinesisFake,
  parameters: Readonly<Record<string, string>> = {},
): string {
  return `kinesis://us-east-1?${new URLSearchParams({ endpoint, ...parameters })}`
}
