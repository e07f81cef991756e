import type { Task, Work } from '../harness/contender.ts'
import { timed } from '../harness/timed.ts'
import { bytesTopic } from '../millrace/open-streams.ts'
import { atLeast } from './at-least.ts'
import { counted } from './counted.ts'
import { streamOf } from './open-sdk.ts'
import { openStreams } from './open-streams.ts'

/** As much as the SDK's loop asks for. */
const FETCH_BYTES = 4 << 20

/** `streams.read` of all shards, looking at each key and value, until there were so many. */
export async function open(task: Task): Promise<Work> {
  const streams = await openStreams(task)
  const described = bytesTopic(streamOf(task))
  return {
    async round(wanted) {
      const records = atLeast(wanted)
      let size = 0
      let seen = 0
      const reader = streams.read(described, { from: 'earliest', fetchMaxBytes: FETCH_BYTES })
      const round = await counted(task, () =>
        timed(records, async () => {
          for await (const batch of reader) {
            for (const record of batch) size += record.key!.length + record.value!.length
            seen += batch.length
            if (seen >= records) break
          }
        }),
      )
      await reader.close()
      if (size === 0) throw new Error('nothing was looked at')
      return { ...round, records: seen }
    },
    close: () => streams.close(),
  }
}
