import { expect, inject, test } from 'vitest'
import { ok } from '../../../src/cli/support/cli.ts'
import { kafkaAddress } from '../../../support/kafka/kafka-driver.ts'
import { sharedBroker } from '../../../support/kafka/shared-broker.ts'

// The broker looks every half second for what is too old by its own time, as the events are.
test.runIf(inject('docker'))('the demo kills a member and loses nothing', async () => {
  const backend = kafkaAddress(await sharedBroker())
  const result = JSON.parse(await ok(['demo', backend, '--json']))
  expect(result).toMatchObject({
    sent: 1_707,
    processed: 1_707,
    lost: [],
    forbidden: [],
    inversions: [],
    replayed: 301,
    expected: 301,
  })
  expect(result.killed.after).toBeGreaterThanOrEqual(200)
  const names = JSON.parse(await ok(['topics', 'list', backend, '--json'])) as string[]
  expect(names.filter((name) => name.startsWith('millrace-demo-'))).toEqual([])
})
