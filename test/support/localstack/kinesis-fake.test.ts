import { isDeepStrictEqual } from 'node:util'
import { expect, inject, test } from 'vitest'
import { startKinesisFake } from '../kinesis-fake/start-kinesis-fake.ts'
import { type ScriptedCall, scriptedCalls } from '../kinesis-fake/tests/scripted-calls.ts'
import { shapeOf } from '../kinesis-fake/tests/shape-of.ts'
import { uniqueName } from '../unique-name.ts'
import { sharedLocalstack } from './shared-localstack.ts'

/** Where LocalStack 4.14.0 is not like the service model, and the fake is. */
const localstackLacks: Readonly<Record<string, string>> = {
  summary: 'no MaxRecordSizeInKiB',
  'describe by ARN': 'no MaxRecordSizeInKiB',
  'summary at last': 'no MaxRecordSizeInKiB, no RecordDistributionStrategy',
  'list streams': 'no StreamSummaries',
  'put without key': 'takes it for a defect of the JSON',
  'get by nonsense': 'fails by 500',
  'list consumers': 'a NextToken though nothing follows',
  'update count': 'no StreamARN',
  'max record size': 'no such operation',
  distribution: 'no such operation',
}

test.runIf(inject('docker'))(
  'the fake answers as LocalStack does where both can',
  async () => {
    await using fake = await startKinesisFake({ settleMs: 1, limits: 'off' })
    const stream = uniqueName('stream')
    const [ours, theirs] = await Promise.all([
      scriptedCalls(fake.endpoint, stream),
      scriptedCalls(await sharedLocalstack(), stream),
    ])
    expect(ours.map(({ name }) => name)).toEqual(theirs.map(({ name }) => name))
    const seen = ({ status, body }: ScriptedCall): object => ({
      status,
      type: body.__type,
      shape: shapeOf(body),
    })
    const different = ours.filter((call, i) => !isDeepStrictEqual(seen(call), seen(theirs[i]!)))
    expect(different.map(({ name }) => name).sort()).toEqual(Object.keys(localstackLacks).sort())
  },
  60_000,
)
