// A process of the pipeline: consumes, transforms and produces to two topics in transactions, until it is killed.
import { retrying } from '../../../../adapters/kafka/wire/retry.ts'
import { connect } from '../../../../src/index.ts'
import { quiet } from '../../../conformance/connection.ts'

const [address, group, input, ...outputs] = process.argv.slice(2) as [string, string, string, string, string]
// The broker is restarted, too: as any supervisor, this begins again until it is there.
const streams = await retrying(() => connect(address, { require: ['transactions'], logger: quiet }), {
  deadline: performance.now() + 60_000,
})
const consumer = streams.consumer({
  group,
  topics: [input],
  checkpoint: 'manual',
  sessionTimeoutMs: 1_000,
  // A few records a transaction, so that there are many ends to be killed at.
  fetchMaxBytes: 1_000,
})
for await (const batch of consumer) {
  try {
    await streams.transaction(batch, async (tx) => {
      for (const { key, value } of batch) {
        for (const output of outputs) await tx.send(output, Buffer.from(`seen ${value}`), { key })
      }
    })
    process.stdout.write('.')
  } catch {
    // The batch comes again, here or elsewhere.
  }
}
