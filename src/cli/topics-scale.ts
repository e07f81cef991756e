import type { Command } from 'commander'
import { scaleTopic } from '../tools/scale.ts'
import { writeAll } from '../tools/standard-output.ts'
import { parsedBy } from './failure.ts'
import { count, counted } from './human.ts'
import { Interruption } from './interruption.ts'
import { parseCount } from './moments.ts'
import { openBackend, topicArgument } from './open-backend.ts'
import { Progress } from './progress.ts'

export function addScale(topics: Command): void {
  topics
    .command('scale')
    .description('raise or lower the number of open partitions, and wait until it is so')
    .argument('<address>', 'backend and topic', parsedBy(topicArgument))
    .requiredOption('--partitions <n>', 'how many there are to be', parsedBy(parseCount))
    .option('--accept-reordering', 'where partitions have no lineage (Kafka): keys move and lose their order')
    .option('--json', 'in JSON')
    .action(async ({ backend, topic }, { partitions, acceptReordering, json }, command) => {
      using interruption = new Interruption()
      await using streams = await openBackend(backend, command)
      using progress = new Progress('partitions')
      let first: number | undefined
      const { before, after } = await scaleTopic(streams, topic, partitions, {
        acceptReordering: acceptReordering === true,
        signal: interruption.signal,
        onProgress: (open) => {
          first ??= open
          progress.update(Math.abs(open - first), Math.abs(partitions - first))
        },
      })
      progress.hide()
      await writeAll(
        json
          ? `${JSON.stringify({ before, after })}\n`
          : `${topic} has ${counted(after, 'open partition')}, ${before === after ? 'as before' : `${count(before)} before`}\n`,
      )
      if (after !== partitions) interruption.throwIfInterrupted()
    })
}
