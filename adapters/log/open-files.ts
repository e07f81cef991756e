import { type Driver, type DriverOptions, StreamError } from '../../src/driver.ts'
import { parseAddress } from './address.ts'
import { brokerApiOver } from './broker/broker-api-over.ts'
import type { BrokerLink } from './broker-link.ts'
import { LOG_CAPABILITIES } from './capabilities.ts'
import { classify } from './classify.ts'
import { LogDriver } from './driver.ts'
import { openDirectory } from './holder/directory.ts'
import { LogHandle } from './holder/log-handle.ts'
import { refuseCredentials } from './refuse-credentials.ts'

interface Shared {
  readonly handle: Promise<LogHandle>
  users: number
  closing: Promise<void> | undefined
}

// One hold a folder and process: a second one would only wait for the first.
const opened = new Map<string, Shared>()

/** See `openLog`. */
export async function openFileLog(address: string, options: DriverOptions): Promise<Driver> {
  refuseCredentials(options, 'log')
  const { path, fsync, topic } = parseAddress(address, 'log')
  try {
    const folder = openDirectory(path)
    for (let before = opened.get(folder); before?.closing !== undefined; before = opened.get(folder)) {
      await before.closing.catch(() => {})
    }
    let shared = opened.get(folder)
    if (shared === undefined) {
      const handle = LogHandle.open({ folder, fsync, logger: options.logger })
      shared = { handle, users: 0, closing: undefined }
      opened.set(folder, shared)
    }
    shared.users++
    const link = await linkTo(folder, shared)
    return new LogDriver({ name: 'log', address, capabilities: LOG_CAPABILITIES, link, defaults: topic })
  } catch (error) {
    throw located(classify(error), path)
  }
}

async function linkTo(folder: string, shared: Shared): Promise<BrokerLink> {
  let handle: LogHandle
  try {
    handle = await shared.handle
  } catch (error) {
    if (opened.get(folder) === shared) opened.delete(folder)
    throw error
  }
  let closing: Promise<void> | undefined
  const refuse = (): StreamError =>
    new StreamError('CLOSED', 'the connection to the log is closed: connect again')
  const api = brokerApiOver((method, request, signal) =>
    closing === undefined ? handle.call(method, request, signal) : Promise.reject(refuse()),
  )
  const close = async (): Promise<void> => {
    if (--shared.users > 0) return
    shared.closing = handle.close()
    try {
      await shared.closing
    } finally {
      opened.delete(folder)
    }
  }
  return {
    ...api,
    owner: handle.owner,
    get local() {
      return handle.broker !== undefined
    },
    produce(request) {
      if (closing !== undefined) throw refuse()
      // The hot path: no promise while the broker is in this process.
      return handle.call('produce', request, undefined) as ReturnType<BrokerLink['produce']>
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}

/** Says which folder it was about. */
function located(error: StreamError, path: string): StreamError {
  if (error.message.includes(path)) return error
  return new StreamError(error.code, `log:${path}: ${error.message}`, {
    retryable: error.retryable,
    topic: error.topic,
    partition: error.partition,
    position: error.position,
    cause: error.cause ?? error,
  })
}
