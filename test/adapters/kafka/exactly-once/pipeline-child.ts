// Consumes `in`, and for each of its records produces one to each output, checkpointed with them in one transaction. What goes
// wrong is told, and gone over: the pipeline begins again from its group's checkpoint. Lives until killed or orphaned.
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, json, topic } from '../../../../src/index.ts'
import type { PipelineOrder, Step } from './pipeline.ts'

const { address, group, input, outputs } = JSON.parse(process.argv[2]!) as PipelineOrder
const inputTopic = topic(input, { value: json<Step>(), key: ({ key }) => key })
const outputTopics = outputs.map((name) => topic(name, { value: json<Step>(), key: ({ key }) => key }))
const silent = { debug() {}, info() {}, warn() {}, error() {} }

process.stdin.on('end', () => process.exit()).resume()

// At once, so that nothing that was said is lost with the process.
const say = (what: string): void => void writeSync(1, `${what}\n`)

for (;;) {
  try {
    await using streams = await connect(address, { require: ['transactions'], logger: silent })
    // Some records at a time, so that there are many transactions to be hit.
    await using consumer = streams.consumer({
      group,
      topics: [inputTopic],
      sessionTimeoutMs: 3_000,
      drainTimeoutMs: 1_000,
      fetchMaxBytes: 400,
    })
    for await (const batch of consumer) {
      await streams.transaction(batch, async (tx) => {
        say('begun')
        const steps = batch.records.map(({ value }) => value!)
        for (const [i, output] of outputTopics.entries()) {
          await tx.sendBatch(
            output,
            steps.map((step) => ({ ...step, topic: outputs[i]! })),
          )
          say('sent')
        }
      })
      say('committed')
    }
  } catch (error) {
    say(`failed ${(error as Error).message}`)
    await sleep(100)
  }
}
