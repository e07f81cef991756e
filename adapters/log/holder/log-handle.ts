import { randomUUID } from 'node:crypto'
import { type Logger, StreamError } from '../../../src/driver.ts'
import { Broker } from '../broker/broker.ts'
import type { BrokerMethod, Owner } from '../broker/broker-api.ts'
import { type BrokerCall, callBroker } from '../broker/broker-api-over.ts'
import { hostId } from '../broker/process-alive.ts'
import { fileStores } from '../broker/store-factory.ts'
import { classify } from '../classify.ts'
import { pause } from '../pause.ts'
import type { FsyncMode } from '../storage/partition-log.ts'
import { Connection, notAnswering } from './connection.ts'
import { markDirectory } from './directory.ts'
import { LockFile } from './lock-file.ts'
import { PROTOCOL_VERSION } from './protocol.ts'
import { Server } from './server.ts'
import { socketPath } from './socket-path.ts'

export interface LogHandleOptions {
  /** A real path. */
  readonly folder: string
  readonly fsync: FsyncMode
  readonly logger: Logger
}

/** A call that was not answered yet; kept whole, so that the next holder can be asked again. */
interface Pending {
  readonly method: BrokerMethod
  readonly request: object
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
  readonly signal: AbortSignal | undefined
  readonly aborted: () => void
  readonly giveUpAt: number
  repeated: boolean
}

type Target =
  | { readonly kind: 'local'; readonly broker: Broker; readonly server: Server }
  | { readonly kind: 'remote'; readonly connection: Connection }

/** A call that takes longer than it asked to wait, and this: its holder is stopped or hung. */
const CALL_TIMEOUT_MS = 10_000
/** How long a holder may take to open the log before others give up. */
const OPENING_TIMEOUT_MS = 120_000
const FIRST_RETRY_MS = 5
const LONGEST_RETRY_MS = 100

/**
 * One process's hold on a log's folder: whoever gets the lock is its broker, the others are its clients. When the holder goes, all try
 * for the lock again; calls under way are then repeated, in their order, to whoever has it.
 */
export class LogHandle {
  readonly owner: Owner = { id: randomUUID(), pid: process.pid, host: hostId() }
  readonly #options: LogHandleOptions
  readonly #lock: LockFile
  readonly #pending = new Map<number, Pending>()
  #target: Target | undefined
  #calls = 0
  #sweeper: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  private constructor(options: LogHandleOptions) {
    this.#options = options
    this.#lock = new LockFile(options.folder)
  }

  /** Opens or joins the log. Rejects with a remedy within seconds where neither can be done. */
  static async open(options: LogHandleOptions): Promise<LogHandle> {
    const handle = new LogHandle(options)
    try {
      await handle.#settle(performance.now() + CALL_TIMEOUT_MS, true)
    } catch (error) {
      handle.#lock.close()
      throw classify(error)
    }
    return handle
  }

  /** The broker, while it is in this process. */
  get broker(): Broker | undefined {
    return this.#target?.kind === 'local' ? this.#target.broker : undefined
  }

  readonly call: BrokerCall = (method, request, signal) => {
    const target = this.#target
    if (target?.kind === 'local' && this.#closing === undefined) {
      const answer = callBroker(target.broker, method, request, signal)
      return answer instanceof Promise ? answer.catch(rethrow) : answer
    }
    return new Promise((resolve, reject) => {
      if (this.#closing !== undefined) return reject(closed())
      if (signal?.aborted === true) return reject(signal.reason)
      const { maxWaitMs, waitMs } = request as { maxWaitMs?: number | null; waitMs?: number }
      const giveUpAt = performance.now() + (maxWaitMs ?? waitMs ?? 0) + CALL_TIMEOUT_MS
      const id = ++this.#calls
      const aborted = (): void => this.#cancel(id, signal!)
      this.#pending.set(id, { method, request, resolve, reject, signal, aborted, giveUpAt, repeated: false })
      signal?.addEventListener('abort', aborted)
      if (target?.kind === 'remote') target.connection.call(id, method, request)
      this.#sweeper ??= setInterval(() => this.#sweep(), 1000)
    })
  }

  /** Idempotent. A holder writes out what it has and lets the lock go; the others take over. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#sweeper)
    for (const id of [...this.#pending.keys()]) this.#fail(id, closed())
    const target = this.#target
    try {
      if (target?.kind === 'remote') target.connection.close()
      if (target?.kind === 'local') {
        target.server.stop()
        await target.broker.close()
      }
    } finally {
      this.#lock.close()
      // After the lock was let go, so that the first of them gets it.
      if (target?.kind === 'local') target.server.disconnect()
    }
  }

  /** Becomes the holder or its client. `first`: nobody uses this handle yet, and what fails is told at once. */
  async #settle(giveUpAt: number, first: boolean): Promise<void> {
    let retryMs = FIRST_RETRY_MS
    let cause: unknown
    while (this.#closing === undefined) {
      if (this.#lock.tryLock()) return this.#hold()
      const info = this.#lock.read()
      if (info !== undefined && info.protocol !== PROTOCOL_VERSION) {
        throw new StreamError(
          'UNSUPPORTED',
          `process ${info.pid} holds the log and speaks version ${info.protocol} of its protocol, not ${PROTOCOL_VERSION}: ` +
            'use the same version of millrace in all processes',
        )
      }
      let deadline = giveUpAt
      if (info?.socket != null) {
        try {
          return await this.#join({ ...info, socket: info.socket })
        } catch (error) {
          // Nobody listens any more, or not yet: it is tried again. Anything else is told.
          const { code } = error as NodeJS.ErrnoException
          if (code !== 'ECONNREFUSED' && code !== 'ENOENT' && code !== 'UNAVAILABLE' && code !== 'ECONNRESET')
            throw error
          cause = error
        }
      } else if (first) deadline += OPENING_TIMEOUT_MS - CALL_TIMEOUT_MS
      if (performance.now() > deadline) throw new StreamError('TIMEOUT', notAnswering(info), { cause })
      await pause(retryMs)
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
    }
  }

  async #hold(): Promise<void> {
    const { folder, fsync, logger } = this.#options
    const info = { pid: process.pid, host: hostId(), protocol: PROTOCOL_VERSION }
    let broker: Broker | undefined
    let server: Server | undefined
    try {
      this.#lock.write({ ...info, socket: null })
      markDirectory(folder)
      broker = await Broker.open({ stores: fileStores(folder), log: { fsync, logger }, logger })
      const path = socketPath(folder)
      server = await Server.listen({ broker, socketPath: path, folder, fsync: fsyncName(fsync), logger })
      this.#lock.write({ ...info, socket: path })
    } catch (error) {
      server?.stop()
      await broker?.close()
      this.#lock.unlock()
      throw error
    }
    if (this.#closing !== undefined) {
      server.stop()
      await broker.close()
      server.disconnect()
      return
    }
    this.#target = { kind: 'local', broker, server }
    for (const [id, { method, request, signal }] of [...this.#pending]) {
      if (!this.#pending.has(id)) continue
      try {
        const answer = callBroker(broker, method, request, signal)
        if (answer instanceof Promise) {
          answer.then(
            (result) => this.#answer(id, result),
            (error) => this.#fail(id, classify(error)),
          )
        } else this.#answer(id, answer)
      } catch (error) {
        this.#fail(id, classify(error))
      }
    }
  }

  async #join(info: { pid: number; host: string; protocol: number; socket: string }): Promise<void> {
    const connection = await Connection.open(info, this.owner, {
      answered: (id, result) => this.#answer(id, result),
      failed: (id, error) => this.#fail(id, error),
      closed: () => this.#lost(),
    })
    if (this.#closing !== undefined) return connection.close()
    this.#target = { kind: 'remote', connection }
    const wanted = fsyncName(this.#options.fsync)
    if (wanted === 'batch' && connection.fsync !== 'batch') {
      this.#options.logger.warn(
        `process ${connection.pid} holds the log with fsync=${connection.fsync}: fsync=batch, asked for here, does not take effect`,
      )
    }
    for (const [id, { method, request }] of this.#pending) connection.call(id, method, request)
  }

  #lost(): void {
    if (this.#closing !== undefined) return
    this.#target = undefined
    for (const pending of this.#pending.values()) pending.repeated = true
    void this.#again()
  }

  /** Until there is a holder again. Calls give up by themselves when that takes too long. */
  async #again(): Promise<void> {
    while (this.#closing === undefined && this.#target === undefined) {
      try {
        await this.#settle(performance.now() + CALL_TIMEOUT_MS, false)
      } catch (error) {
        const failure = classify(error)
        this.#options.logger.warn(`the log cannot be used: ${failure.message}`)
        if (!failure.retryable) for (const id of [...this.#pending.keys()]) this.#fail(id, failure)
        await pause(LONGEST_RETRY_MS)
      }
    }
  }

  #answer(id: number, result: unknown): void {
    this.#pending.get(id)?.resolve(result)
    this.#done(id)
  }

  #fail(id: number, error: StreamError): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    const { method, repeated } = pending
    // The first time it did what it should, and only the answer was lost.
    const isDone =
      repeated && error.code === 'NOT_FOUND' && (method === 'deleteTopic' || method === 'deleteGroup')
    if (isDone) pending.resolve(undefined)
    else pending.reject(error)
    this.#done(id)
  }

  #cancel(id: number, signal: AbortSignal): void {
    const pending = this.#pending.get(id)
    if (pending === undefined) return
    pending.reject(signal.reason)
    this.#done(id)
    if (this.#target?.kind === 'remote') this.#target.connection.cancel(id)
  }

  #done(id: number): void {
    const pending = this.#pending.get(id)
    pending?.signal?.removeEventListener('abort', pending.aborted)
    this.#pending.delete(id)
    if (this.#pending.size > 0) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }

  #sweep(): void {
    const now = performance.now()
    for (const [id, pending] of this.#pending) {
      if (pending.giveUpAt > now) continue
      this.#fail(id, new StreamError('TIMEOUT', notAnswering(this.#lock.read())))
    }
  }
}

function rethrow(error: unknown): never {
  throw classify(error)
}

function closed(): StreamError {
  return new StreamError('CLOSED', 'the connection to the log is closed: connect again')
}

function fsyncName(mode: FsyncMode): string {
  return typeof mode === 'string' ? mode : `${mode.intervalMs}ms`
}
