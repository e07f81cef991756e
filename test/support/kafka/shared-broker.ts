import { inject } from 'vitest'

/** `host:port` of the run's broker. It is started when the first test file asks. */
export async function sharedBroker(): Promise<string> {
  const answer = await fetch(inject('kafkaStarter'))
  const text = await answer.text()
  if (!answer.ok) throw new Error(`the broker did not start: ${text}`)
  return text
}

let made = 0

/** A name that no other test uses. */
export const uniqueName = (kind: string): string =>
  `${kind}-${process.pid.toString(36)}-${Date.now().toString(36)}-${++made}`
