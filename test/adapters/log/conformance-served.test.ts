import { afterAll, describe, test } from 'vitest'
import { conformance } from '../../conformance/index.ts'
import { servedLogBackend } from '../../support/log-backend.ts'

conformance({ describe, test, afterAll }, { name: 'log, served by another process', open: servedLogBackend })
