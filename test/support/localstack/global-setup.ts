import type { TestProject } from 'vitest/node'
import { startWhenAsked } from '../containers/start-when-asked.ts'
import { LOCALSTACK_LABEL, startLocalstack } from './start-localstack.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A URL that answers with the endpoint of the run's LocalStack, starting it when it is first asked. */
    localstackStarter: string
  }
}

/** One LocalStack a run (`sharedLocalstack`). */
export default (project: TestProject): Promise<() => Promise<void>> =>
  startWhenAsked({
    label: LOCALSTACK_LABEL,
    start: startLocalstack,
    provide: (url) => project.provide('localstackStarter', url),
  })
