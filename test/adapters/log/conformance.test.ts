import { afterAll, describe, test } from 'vitest'
import { conformance } from '../../conformance/index.ts'
import { logBackend } from '../../support/log-backend.ts'

const waivers = {
  'crash/server': 'this process holds the log; conformance-served.test.ts has another that does',
}

conformance({ describe, test, afterAll }, { name: 'log', open: logBackend, waivers })
