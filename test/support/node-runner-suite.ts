/** A part of the suite under Node's own runner: see conformance-node-runner.test.ts. */
import { after, describe, test } from 'node:test'
import { conformance } from '../conformance/index.ts'
import { memoryBackend } from './memory-backend.ts'

conformance(
  { describe, test, afterAll: after },
  {
    name: 'memory',
    open: () => memoryBackend(),
    only: ['order/', 'bytes/'],
    waivers: JSON.parse(process.env.WAIVERS ?? '{}'),
  },
)
