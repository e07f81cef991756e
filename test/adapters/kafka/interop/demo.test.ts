import { inject, test } from 'vitest'
import { expectDemo } from '../../../support/expect-demo.ts'
import { kafkaAddress } from '../../../support/kafka/kafka-driver.ts'
import { sharedBroker } from '../../../support/kafka/shared-broker.ts'

// The broker looks every half second for what is too old by its own time, as the events are.
test.runIf(inject('docker'))('the demo kills a member and loses nothing', async () => {
  await expectDemo(kafkaAddress(await sharedBroker()))
})
