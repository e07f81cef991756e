import { connect, type Streams } from '../../src/index.ts'
import type { Task } from '../harness/contender.ts'
import { CREDENTIALS } from './open-sdk.ts'

/** millrace on the endpoint, as it is by default; `options` of the settings stand in the address. */
export async function openStreams({ settings }: Task): Promise<Streams> {
  const options = settings.options === undefined ? '' : `&${settings.options}`
  const address = `kinesis://us-east-1?endpoint=${settings.endpoint}&leases=memory:bench${options}`
  return (await connect(address, { credentials: CREDENTIALS })) as Streams
}
