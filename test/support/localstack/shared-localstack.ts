import { inject } from 'vitest'
import { askStarter } from '../containers/ask-starter.ts'

/** The endpoint (`http://host:port`) of the run's LocalStack: Kinesis and DynamoDB. It is started when the first test file asks. */
export const sharedLocalstack = (): Promise<string> => askStarter(inject('localstackStarter'), 'LocalStack')
