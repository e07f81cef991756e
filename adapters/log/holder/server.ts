import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { type Logger, StreamError } from '../../../src/driver.ts'
import type { Broker } from '../broker/broker.ts'
import { BROKER_METHODS, type Owner } from '../broker/broker-api.ts'
import { callBroker } from '../broker/broker-api-over.ts'
import { isAlive } from '../broker/process-alive.ts'
import { toRefusal } from '../broker/refusal.ts'
import { classify } from '../classify.ts'
import { type Frame, FrameReader, writeFrame } from './frame.ts'
import {
  type AnswerFrame,
  type CallFrame,
  type CancelFrame,
  type Hello,
  PROTOCOL_VERSION,
} from './protocol.ts'

/** When it is looked whether the process behind a closed connection is gone; one that lives may come back. */
const LOOK_AFTER_MS = [0, 100, 1000]

export interface ServerOptions {
  readonly broker: Broker
  readonly socketPath: string
  /** The log's folder: who may use that may use the socket. */
  readonly folder: string
  readonly fsync: string
  readonly logger: Logger
}

/** Serves a broker to the other processes of this machine. */
export class Server {
  readonly #options: ServerOptions
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  readonly #connected = new Map<string, number>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #isStopped = false

  private constructor(options: ServerOptions) {
    this.#options = options
    this.#server = net.createServer((socket) => this.#accept(socket))
  }

  static async listen(options: ServerOptions): Promise<Server> {
    const server = new Server(options)
    const { socketPath, folder } = options
    const isFile = process.platform !== 'win32'
    // Left by a holder that was killed; the lock says that it is gone.
    if (isFile) fs.rmSync(socketPath, { force: true })
    await new Promise<void>((resolve, reject) => {
      server.#server.once('error', reject)
      server.#server.listen(socketPath, resolve)
    })
    if (isFile && path.dirname(socketPath) === folder) {
      fs.chmodSync(socketPath, fs.statSync(folder).mode & 0o666)
    }
    server.#server.on('error', (error) =>
      options.logger.warn(`the log's socket failed: ${error.message}`, { error }),
    )
    return server
  }

  /** No call is taken any more, and none is answered: clients ask the next holder again. */
  stop(): void {
    this.#isStopped = true
    this.#server.close()
    for (const timer of this.#timers) clearTimeout(timer)
    for (const socket of this.#sockets) socket.pause()
  }

  /** Tells the clients that the lock is free. What was answered before still gets to them. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.destroySoon()
  }

  #accept(socket: net.Socket): void {
    if (this.#isStopped) {
      socket.destroy()
      return
    }
    this.#sockets.add(socket)
    const calls = new Map<number, AbortController>()
    let owner: Owner | undefined
    const reader = new FrameReader((frame) => {
      if (this.#isStopped) return
      if (owner === undefined) owner = this.#greet(socket, frame.header as unknown as Hello)
      else this.#serve(socket, frame, calls)
    })
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk)
      } catch (error) {
        socket.destroy(classify(error))
      }
    })
    // 'close' follows and does what is to be done.
    socket.on('error', (error) => this.#options.logger.debug('a client of the log was lost', { error }))
    socket.on('close', () => {
      this.#sockets.delete(socket)
      for (const controller of calls.values()) controller.abort()
      if (owner !== undefined) this.#left(owner)
    })
  }

  #greet(socket: net.Socket, hello: Hello): Owner | undefined {
    if (hello.protocol !== PROTOCOL_VERSION) {
      const error = new StreamError(
        'UNSUPPORTED',
        `process ${process.pid} holds the log and speaks version ${PROTOCOL_VERSION} of its protocol, not ${hello.protocol}: ` +
          'use the same version of millrace in all processes',
      )
      writeFrame(socket, { protocol: PROTOCOL_VERSION, error: toRefusal(error) }, undefined)
      socket.end()
      return undefined
    }
    const { owner } = hello
    this.#connected.set(owner.id, (this.#connected.get(owner.id) ?? 0) + 1)
    writeFrame(
      socket,
      { protocol: PROTOCOL_VERSION, pid: process.pid, fsync: this.#options.fsync },
      undefined,
    )
    return owner
  }

  #serve(socket: net.Socket, { header, payload }: Frame, calls: Map<number, AbortController>): void {
    if ('cancel' in header) {
      calls.get((header as unknown as CancelFrame).cancel)?.abort()
      return
    }
    const { id, method, request } = header as unknown as CallFrame
    const answer = (frame: AnswerFrame, bytes?: Buffer): void => {
      calls.delete(id)
      if (!this.#isStopped && !socket.destroyed) writeFrame(socket, frame, bytes)
    }
    const succeed = (result: unknown): void => {
      const { bytes, ...rest } = (result ?? {}) as { bytes?: Buffer }
      answer({ id, result: rest, hasBytes: bytes !== undefined }, bytes)
    }
    const fail = (error: unknown): void => answer({ id, error: toRefusal(classify(error)) })
    try {
      if (!BROKER_METHODS.includes(method)) {
        throw new StreamError(
          'UNSUPPORTED',
          `unknown call ${method}: use the same version of millrace everywhere`,
        )
      }
      const whole = payload === undefined ? request : { ...request, bytes: payload }
      let signal: AbortSignal | undefined
      if (method === 'fetch' || method === 'syncGroup') {
        const controller = new AbortController()
        calls.set(id, controller)
        signal = controller.signal
      }
      const result = callBroker(this.#options.broker, method, whole, signal)
      if (result instanceof Promise) result.then(succeed, fail)
      else succeed(result)
    } catch (error) {
      fail(error)
    }
  }

  /** A connection of that owner has closed: if its process is gone, so is what it had. */
  #left(owner: Owner): void {
    const left = (this.#connected.get(owner.id) ?? 1) - 1
    if (left > 0) this.#connected.set(owner.id, left)
    else this.#connected.delete(owner.id)
    for (const ms of LOOK_AFTER_MS) {
      if (this.#isStopped) return
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        if (!this.#connected.has(owner.id) && !isAlive(owner)) this.#options.broker.ownerGone(owner.id)
      }, ms)
      timer.unref()
      this.#timers.add(timer)
    }
  }
}
