import path from 'node:path'
import { kinesisClasses } from '../../test/adapters/kinesis/interop/kinesis-jars.ts'
import { startLocalstack } from '../../test/support/localstack/start-localstack.ts'
import type { KinesisField } from '../harness/contender.ts'
import { brokerProblem } from '../kafkajs/start-broker.ts'
import type { Options } from '../options.ts'
import { startEndpoint } from './start-endpoint.ts'

export interface OpenField extends AsyncDisposable {
  readonly field: KinesisField
}

/** The endpoint, and what KPL and KCL need where they can take part: Java, and DynamoDB in Docker. */
export async function openKinesisField(
  { peers }: Options,
  say: (line: string) => void,
  progress: (text: string) => void,
): Promise<OpenField> {
  await using opened = new AsyncDisposableStack()
  const { url, tlsPort } = opened.use(await startEndpoint())
  let classPath: string | undefined
  let dynamodb: string | undefined
  if (peers) {
    progress('fetching and compiling KPL and KCL')
    const found = kinesisClasses(path.join(import.meta.dirname, 'java'), 'bench')
    if ('missing' in found) say(`KPL and KCL are left out: ${found.missing}`)
    else classPath = found.classPath
    const problem = await brokerProblem()
    if (problem !== undefined) say(`KCL is left out: no Docker engine answers (${problem}).`)
    else if (classPath !== undefined) {
      progress('starting DynamoDB')
      try {
        const localstack = await startLocalstack()
        opened.defer(() => localstack.stop())
        dynamodb = localstack.address
      } catch (error) {
        say(`KCL is left out: DynamoDB cannot be reached in its container (${reasonOf(error)}).`)
      }
    }
    progress('')
  }
  const all = opened.move()
  return {
    field: { endpoint: url, tlsPort, classPath, dynamodb },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as { readonly message?: string; readonly cause?: NodeJS.ErrnoException }
  return cause?.code ?? cause?.message ?? String(message).split('\n')[0]!
}
