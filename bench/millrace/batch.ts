import { type ConsumedBatch, type StreamRecord, topic } from '../../src/index.ts'
import type { Round, Task, Work } from '../harness/contender.ts'
import { passes } from '../harness/timed.ts'
import { consumeAll } from './consume-all.ts'
import { bytesTopic, fill, openStreams, topicName } from './open-streams.ts'

type Bytes = StreamRecord<Uint8Array, Uint8Array | string>

/** A new group whose `batch` handler looks at each key and value. */
export async function open(task: Task): Promise<Work> {
  const streams = await openStreams(task)
  const bytes = bytesTopic(topicName('batch'))
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
      (done) => ({
        batch: (batch: ConsumedBatch<Bytes>) => {
          for (const record of batch) size += record.key!.length + record.value!.length
          done(batch.length)
        },
      }),
      task.settings.backend === 'kafka',
    )
    if (size < records * task.valueBytes) throw new Error(`saw ${size} bytes`)
    return round
  }
}
