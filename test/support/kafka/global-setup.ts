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
    start: () => startBroker(),
    provide: (url) => project.provide('kafkaStarter', url),
  })
