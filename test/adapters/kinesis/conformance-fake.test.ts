import { afterAll, describe, test } from 'vitest'
import { conformance } from '../../conformance/index.ts'
import { fakeBackend } from './support/conformance-backends.ts'

conformance(
  { describe, test, afterAll },
  {
    name: 'kinesis on the fake',
    open: () => fakeBackend(),
    patience: 2,
    waivers: {
      'crash/server':
        'the service is no process of ours to kill; what becomes of its hosts is its own affair',
    },
  },
)
