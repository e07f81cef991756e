import type { Round, Task } from '../harness/contender.ts'
import { requestsSince } from './open-sdk.ts'

/** A round, with the requests that the endpoint saw meanwhile. */
export async function counted(task: Task, work: () => Promise<Round>): Promise<Round> {
  await requestsSince(task)
  const round = await work()
  return { ...round, requests: await requestsSince(task) }
}
