import { parseArgs } from 'node:util'
import type { KinesisFakeOptions } from './options.ts'
import { startKinesisFake } from './start-kinesis-fake.ts'

// A process of its own: prints its endpoint and serves until it is ended. Options as JSON:
//   node test/support/kinesis-fake/main.ts --options '{"limits":"off"}'
const { values } = parseArgs({ options: { options: { type: 'string', default: '{}' } } })
const fake = await startKinesisFake(JSON.parse(values.options) as KinesisFakeOptions)
console.log(fake.endpoint)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => fake.stop())
