import { connect, json, type StreamRecord, topic } from '../../../src/index.ts'

export interface Event {
  readonly id: string
  readonly n: number
}

export const events = topic('events', { value: json<Event>(), key: (event) => event.id })
export type EventRecord = StreamRecord<Event, string>

/** A memory backend with a topic `events` of one partition holding `count` events over `keys` keys, and a topic `letters`. */
export async function filled(count: number, keys: number) {
  const streams = await connect('memory:')
  await streams.admin.createTopic({ name: 'events' })
  await streams.admin.createTopic({ name: 'letters' })
  const producer = streams.producer()
  await producer.sendBatch(
    events,
    Array.from({ length: count }, (_, n) => ({ id: `k${n % keys}`, n })),
  )
  return { streams, producer }
}

export type Filled = Awaited<ReturnType<typeof filled>>

/** Polls until `check` gives something true; fails with what was waited for. */
export async function eventually(what: string, check: () => unknown, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`in ${timeoutMs} ms it did not come to this: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Where a group stands in the one partition of `events`. */
export async function checkpointOf({ streams }: Filled, group: string): Promise<string | null | undefined> {
  if (!(await streams.groups.listGroups()).includes(group)) return undefined
  const { partitions } = await streams.groups.describeGroup(group)
  return partitions.find(({ topic: name }) => name === 'events')?.checkpoint
}
