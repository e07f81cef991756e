import { afterAll, describe, test } from 'vitest'
import { conformance } from '../../conformance/index.ts'
import { memoryBackend } from '../../support/memory-backend.ts'

conformance({ describe, test, afterAll }, { name: 'memory', open: () => memoryBackend() })
