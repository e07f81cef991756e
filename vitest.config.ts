import { defineConfig } from 'vitest/config'

const containers = ['test/adapters/kafka/**/*.test.ts']

export default defineConfig({
  test: {
    globalSetup: ['test/support/docker.ts', 'test/support/kafka/global-setup.ts'],
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
          // For what hangs: what is waited for has deadlines of its own, above what a busy machine takes, and tells what it was.
          testTimeout: 120_000,
          hookTimeout: 180_000,
          expect: { poll: { timeout: 20_000 } },
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
