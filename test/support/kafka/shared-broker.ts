import { inject } from 'vitest'
import { askStarter } from '../containers/ask-starter.ts'

export { uniqueName } from '../unique-name.ts'

/** `host:port` of the run's broker. It is started when the first test file asks. */
export const sharedBroker = (): Promise<string> => askStarter(inject('kafkaStarter'), 'the broker')
