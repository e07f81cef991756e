import type { TestProject } from 'vitest/node'
import { startWhenAsked } from '../containers/start-when-asked.ts'
import { KAFKA_LABEL, startBroker } from './start-broker.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A URL that answers with the address of the run's broker, starting it when it is first asked. */
    kafkaStarter: string
  }
}

/** One broker a run (`sharedBroker`). */
export default (project: TestProject): Promise<() => Promise<void>> =>
  startWhenAsked({
    label: KAFKA_LABEL,
    // Of members of KIP-848 the broker says it: longer than any pause of a busy machine, as with the others (`TestMember`).
    start: () => startBroker({ environment: { KAFKA_GROUP_CONSUMER_SESSION_TIMEOUT_MS: '4000' } }),
    provide: (url) => project.provide('kafkaStarter', url),
  })
