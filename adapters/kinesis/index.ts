import { type DriverFactory, StreamError } from '../../src/driver.ts'

/** Not there yet: this version knows the addresses and says so. Rejects UNSUPPORTED. */
export const openKinesis: DriverFactory = async (address) => {
  throw new StreamError(
    'UNSUPPORTED',
    `${address}: this version of millrace has no Kinesis adapter yet. Use log:DIR or memory: until it is there.`,
  )
}
