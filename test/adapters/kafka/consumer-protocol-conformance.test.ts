import { afterAll, describe, inject, test } from 'vitest'
import { conformance } from '../../conformance/index.ts'
import { kafkaBackend } from './support/kafka-backend.ts'

const runner = { describe: describe.skipIf(!inject('docker')), test, afterAll }

conformance(runner, {
  name: 'kafka with groups of KIP-848',
  open: () => kafkaBackend({ groupProtocol: 'consumer' }),
  patience: 2,
  // Where groups are; the rest has nothing to do with what their members speak.
  only: [
    'ownership/',
    'hand-off/',
    'crash/',
    'slow/',
    'parking/',
    'partitions/',
    'close/',
    'errors/',
    'groups/',
    'static-members/',
    'transactions/',
  ],
})
