import { afterAll, describe, inject, test } from 'vitest'
import { conformance } from '../../conformance/index.ts'
import { kafkaBackend } from './support/kafka-backend.ts'

const runner = { describe: describe.skipIf(!inject('docker')), test, afterAll }

conformance(runner, { name: `kafka by ${inject('kafkaDriver')}`, open: () => kafkaBackend(), patience: 4 })
