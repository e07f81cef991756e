import { inject, test } from 'vitest'
import { expectDemo } from '../../../support/expect-demo.ts'
import { sharedLocalstack } from '../../../support/localstack/shared-localstack.ts'

test.runIf(inject('docker'))('the demo kills a member and loses nothing', { timeout: 240_000 }, async () => {
  process.env.AWS_ACCESS_KEY_ID = 'test'
  process.env.AWS_SECRET_ACCESS_KEY = 'test'
  await expectDemo(`kinesis://us-east-1?endpoint=${await sharedLocalstack()}&aggregate=true`)
})
