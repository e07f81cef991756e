/** The script of the suite's child processes: see task.ts. Not imported by anything. */
import type { DriverFactory } from '../../../src/driver.ts'
import { connect, type Streams } from '../../../src/index.ts'
import { quiet } from '../connection.ts'
import { recordingDriver } from '../oracle/recording-driver.ts'
import { runTask } from './run-task.ts'
import { say, tell } from './say.ts'
import type { ChildOrder } from './task.ts'

const { driver, task } = JSON.parse(process.argv[2] ?? '{}') as ChildOrder
const module = (await import(driver.module)) as Record<string, DriverFactory>
const inner = await module[driver.factory]!(driver.address, { logger: quiet })
const recording = recordingDriver(inner, task.member, tell)
const streams = (await connect(recording, { logger: quiet })) as Streams<'transactions'>
say('ready')
await runTask(streams, task)
await streams.close()
say('done')
// Ending stdin is how the parent asks for the end; while it is open it must not keep a process that is done.
process.stdin.destroy()
