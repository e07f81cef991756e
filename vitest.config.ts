import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { defineConfig } from 'vitest/config'

/** What needs a Docker engine asks for one, so that it is left out where there is none; all else runs in `plain`. */
const containers = globSync('test/**/*.test.ts', { cwd: import.meta.dirname }).filter((file) =>
  readFileSync(path.join(import.meta.dirname, file), 'utf8').includes("inject('docker')"),
)

/** Those in which the connection matters, once more by `?driver=direct`. */
const direct = [
  'test/adapters/kafka/conformance.test.ts',
  'test/adapters/kafka/failover.test.ts',
  'test/adapters/kafka/exactly-once/exactly-once.test.ts',
  'test/adapters/kafka/grouping/member.test.ts',
  'test/adapters/kafka/security/secure-broker.test.ts',
  'test/adapters/kafka/wire/wire.test.ts',
]
// Brokers are clocks too: one file at a time, and nothing else beside them, or sessions end that should not.
const alone = {
  fileParallelism: false,
  setupFiles: ['test/support/containers/be-patient.ts'],
  // What is waited for has deadlines of its own, above what a busy machine takes, and tells what it was.
  expect: { poll: { timeout: 20_000 } },
} as const

export default defineConfig({
  test: {
    globalSetup: [
      'test/support/docker.ts',
      'test/support/kafka/global-setup.ts',
      'test/support/localstack/global-setup.ts',
    ],
    // For what hangs, also in tests that start many processes on a busy machine.
    testTimeout: 120_000,
    hookTimeout: 180_000,
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'plain',
          include: ['test/**/*.test.ts'],
          exclude: containers,
          // As many as there are cores; vitest's own choice keeps one of them for itself, which is half of two.
          maxWorkers: availableParallelism(),
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          ...alone,
          name: 'containers',
          include: containers,
          provide: { kafkaDriver: 'kafkajs' },
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          ...alone,
          name: 'direct',
          include: direct,
          provide: { kafkaDriver: 'direct' },
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
