import { topic } from '../../src/index.ts'
import type { Round, Task, Work } from '../harness/contender.ts'
import { passes, timed } from '../harness/timed.ts'
import { bytesTopic, fill, openStreams, topicName } from './open-streams.ts'

/** `streams.read` from the beginning to the end, looking at each key and value. `keys: 'text'`: keys are decoded to strings. */
export async function open(task: Task): Promise<Work> {
  const streams = await openStreams(task)
  const bytes = bytesTopic(topicName('read'))
  const records = await fill(streams, bytes, task)
  const described = task.settings.keys === 'text' ? topic(bytes.name) : bytes
  return {
    round: (wanted) => passes(wanted, pass),
    close: () => streams.close(),
  }

  async function pass(): Promise<Round> {
    let size = 0
    let count = 0
    const round = await timed(records, async () => {
      for await (const batch of streams.read(described, { until: 'now' })) {
        for (const record of batch) {
          size += record.key!.length + record.value!.length
          count++
        }
      }
    })
    if (count !== records || size < records * task.valueBytes)
      throw new Error(`saw ${count} records, ${size} bytes`)
    return round
  }
}
