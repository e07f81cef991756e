import { afterAll, describe, test } from 'vitest'
import { conformance } from '../../conformance/index.ts'
import { fakeBackend } from './support/fake-conformance.ts'

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

// What depends on how records are written and read.
conformance(
  { describe, test, afterAll },
  {
    name: 'kinesis on the fake, aggregated, by fan-out',
    open: () => fakeBackend({ aggregate: 'true', lingerMs: '5', fanout: 'suite', fallback: 'polling' }),
    patience: 2,
    // Where readers are opened again and again, each waits five seconds for the service to allow another subscription.
    only: ['order/', 'bytes/', 'partitions/'],
  },
)
