import { afterAll, describe, inject, test } from 'vitest'
import { conformance } from '../../conformance/index.ts'
import { localstackBackend } from './support/localstack-conformance.ts'

const runner = { describe: describe.skipIf(!inject('docker')), test, afterAll }

conformance(runner, {
  name: 'kinesis on LocalStack',
  open: localstackBackend,
  patience: 3,
  waivers: {
    'crash/server': 'the service is no process of ours to kill; what becomes of its hosts is its own affair',
  },
})
