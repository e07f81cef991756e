import { type DriverFactory, StreamError } from '../../src/driver.ts'

export { type KinesisAddress, type LeasesAddress, parseAddress } from './address.ts'
export type { AwsCredentials } from './service/aws-connection.ts'

/**
 * Opens `kinesis://REGION?…`. Rejects INVALID_ARGUMENT (address, credentials, no region), UNAVAILABLE and TIMEOUT (nothing there,
 * wrong port), PERMISSION_DENIED (no credentials, wrong or expired ones) and UNSUPPORTED (the SDK is not installed), within seconds.
 */
export const openKinesis: DriverFactory = async (address, options) => {
  try {
    const { openWithSdk } = await import('./open-kinesis.ts')
    return await openWithSdk(address, options)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new StreamError(
      'UNSUPPORTED',
      'kinesis:// needs the AWS SDK: npm install @aws-sdk/client-kinesis @smithy/node-http-handler (and @aws-sdk/client-dynamodb for groups)',
      { cause },
    )
  }
}
