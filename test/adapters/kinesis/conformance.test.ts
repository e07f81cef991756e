import { afterAll, describe, inject, test } from 'vitest'
import { conformance } from '../../conformance/index.ts'
import { localstackBackend } from './support/localstack-conformance.ts'

const runner = { describe: describe.skipIf(!inject('docker')), test, afterAll }

const noRetention =
  'the emulator ends retention after a day, and its clock stands with the machine; the fake has it'

conformance(runner, {
  name: 'kinesis on LocalStack',
  open: localstackBackend,
  patience: 3,
  waivers: {
    'crash/server': 'the service is no process of ours to kill; what becomes of its hosts is its own affair',
    'expired/reader': noRetention,
    'expired/group': noRetention,
    'expired/while-reading': noRetention,
  },
})
