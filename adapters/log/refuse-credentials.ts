import { type DriverOptions, StreamError } from '../../src/driver.ts'

/** INVALID_ARGUMENT where credentials or TLS are given: the permissions of the directory are all there is. */
export function refuseCredentials({ credentials, tls }: DriverOptions, scheme: string): void {
  if (credentials === undefined && tls === undefined) return
  const what = credentials === undefined ? 'tls' : 'credentials'
  throw new StreamError('INVALID_ARGUMENT', `${scheme}: knows no ${what}: leave them out`)
}
