import { defineConfig } from 'vitest/config'

const containers = [
  'test/adapters/kafka/**/*.test.ts',
  'test/adapters/kinesis/conformance.test.ts',
  'test/adapters/kinesis/interop/**/*.test.ts',
  'test/adapters/kinesis/leasing/**/*.test.ts',
  'test/adapters/kinesis/reading/localstack.test.ts',
  'test/support/localstack/**/*.test.ts',
]

export default defineConfig({
  test: {
    globalSetup: [
      'test/support/docker.ts',
      'test/support/kafka/global-setup.ts',
      'test/support/localstack/global-setup.ts',
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'plain',
          include: ['test/**/*.test.ts'],
          exclude: containers,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Brokers are clocks too: one file at a time, and nothing else beside them, or sessions end that should not.
        extends: true,
        test: {
          name: 'containers',
          include: containers,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
