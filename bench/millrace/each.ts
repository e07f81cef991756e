import { type StreamRecord, topic } from '../../src/index.ts'
import type { Round, Task, Work } from '../harness/contender.ts'
import { passes } from '../harness/timed.ts'
import { consumeAll } from './consume-all.ts'
import { bytesTopic, fill, openStreams, topicName } from './open-streams.ts'

type Bytes = StreamRecord<Uint8Array, Uint8Array | string>

const LANES = 16

/** A new group whose async `each` handler looks at key and value, 16 lanes. `handler: 'sync'`: one that answers at once. */
export async function open(task: Task): Promise<Work> {
  const streams = await openStreams(task)
  const bytes = bytesTopic(topicName('each'))
  const records = await fill(streams, bytes, task)
  const described = task.settings.keys === 'text' ? topic(bytes.name) : bytes
  return {
    round: (wanted) => passes(wanted, pass),
    close: () => streams.close(),
  }

  async function pass(): Promise<Round> {
    let size = 0
    const round = await consumeAll(
      streams,
      described,
      records,
      (done) => {
        const look = (record: Bytes): void => {
          size += record.key!.length + record.value!.length
          done(1)
        }
        const each =
          task.settings.handler === 'sync' ? look : async (record: Bytes): Promise<void> => look(record)
        return { each, concurrency: LANES }
      },
      task.settings.backend === 'kafka',
    )
    if (size < records * task.valueBytes) throw new Error(`saw ${size} bytes`)
    return round
  }
}
