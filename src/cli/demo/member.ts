import { writeSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { connect, type Streams } from '../../index.ts'
import { parsedBy } from '../failure.ts'
import { parseCount } from '../moments.ts'
import { connectOptions } from '../open-backend.ts'
import { quakeTopic } from './quakes.ts'

/** What a member tells the demo, one JSON a line: a record that it has processed, or a checkpoint that was acknowledged. */
export type MemberReport =
  | { readonly id: string; readonly partition: string; readonly position: string }
  /** All records of the partition before `before` are covered. */
  | { readonly checkpointed: string; readonly before: string }

/** Work on one record: slow enough to be killed in the middle. */
const WORK_MS = 2
const CHECKPOINT_EVERY = 50

/** The demo's worker, a process of its own; ends when its standard input does, and so when the demo is killed. */
export function addDemoMember(program: Command): void {
  program
    .command('demo-member', { hidden: true })
    .argument('<backend>')
    .argument('<topic>')
    .argument('<group>')
    .argument('<name>')
    .argument('<session>', 'milliseconds', parsedBy(parseCount))
    .action(
      async (backend: string, topic: string, group: string, name: string, session: number, _, command) => {
        process.on('SIGINT', () => {}) // a terminal sends Ctrl-C to all; the demo decides
        await using streams = (await connect(backend, connectOptions(command))) as Streams
        await using consumer = streams.consumer({
          group,
          topics: [quakeTopic(topic)],
          clientId: name,
          sessionTimeoutMs: session,
          checkpoint: 'manual',
        })
        process.stdin.once('end', () => void consumer.close()).resume()
        const seen = new Map<string, number>()
        await consumer.run({
          each: async (record, context) => {
            const { partition, position } = record
            const count = (seen.get(partition) ?? 0) + 1
            seen.set(partition, count)
            if (count % CHECKPOINT_EVERY === 0) {
              await context.checkpoint() // covers what finished before this record
              tell({ checkpointed: partition, before: position })
            }
            await wait(WORK_MS)
            tell({ id: record.value!.id, partition, position })
          },
        })
      },
    )
}

/** Written at once, so that a kill cannot take back what was told. */
function tell(report: MemberReport): void {
  writeSync(1, `${JSON.stringify(report)}\n`)
}
