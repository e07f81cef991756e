import { parseArgs } from 'node:util'
import type { KinesisFakeOptions } from './options.ts'
import { startKinesisFake } from './start-kinesis-fake.ts'

// A process of its own: prints its endpoint and serves until it is ended. Options as JSON.
// With --child it ends with the process that holds its standard input.
//   node test/support/kinesis-fake/main.ts --options '{"limits":"off"}'
const { values } = parseArgs({
  options: { options: { type: 'string', default: '{}' }, child: { type: 'boolean', default: false } },
})
const fake = await startKinesisFake(JSON.parse(values.options) as KinesisFakeOptions)
console.log(fake.endpoint)
const end = (): Promise<never> => fake.stop().then(() => process.exit())
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end)
if (values.child) process.stdin.resume().once('end', end)
