import net from 'node:net'
import { StreamError } from '../../../src/driver.ts'
import type { BrokerMethod, Owner } from '../broker/broker-api.ts'
import { fromRefusal } from '../broker/refusal.ts'
import { FrameReader, writeFrame } from './frame.ts'
import type { HolderInfo } from './lock-file.ts'
import { type AnswerFrame, type HelloAnswer, PROTOCOL_VERSION } from './protocol.ts'

export interface ConnectionEvents {
  answered(id: number, result: unknown): void
  failed(id: number, error: StreamError): void
  /** The holder is gone, or gave the log up. Called once, for a connection that was open. */
  closed(): void
}

/** A holder answers this fast, or is stopped. */
const HELLO_TIMEOUT_MS = 3000

/** A connection to the process that holds the log. */
export class Connection {
  readonly pid: number
  readonly fsync: string
  readonly #socket: net.Socket

  private constructor(socket: net.Socket, pid: number, fsync: string) {
    this.#socket = socket
    this.pid = pid
    this.fsync = fsync
  }

  /** Rejects with the system's error where nobody listens, UNSUPPORTED for another protocol, TIMEOUT for one who does not answer. */
  static open(
    info: HolderInfo & { socket: string },
    owner: Owner,
    events: ConnectionEvents,
  ): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>()
    const socket = net.createConnection(info.socket)
    let connection: Connection | undefined
    const timer = setTimeout(() => {
      const error = new StreamError('TIMEOUT', notAnswering(info))
      reject(error)
      socket.destroy(error)
    }, HELLO_TIMEOUT_MS)
    const reader = new FrameReader(({ header, payload }) => {
      if (connection !== undefined) return dispatch(header as unknown as AnswerFrame, payload, events)
      clearTimeout(timer)
      const answer = header as unknown as HelloAnswer
      if ('error' in answer) {
        reject(fromRefusal(answer.error))
        socket.destroy()
      } else {
        connection = new Connection(socket, answer.pid, answer.fsync)
        resolve(connection)
      }
    })
    socket.on('connect', () => writeFrame(socket, { protocol: PROTOCOL_VERSION, owner }, undefined))
    socket.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk)
      } catch (error) {
        socket.destroy(error as Error)
      }
    })
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      reject(new StreamError('UNAVAILABLE', 'the process that holds the log has ended: try again'))
      if (connection !== undefined) events.closed()
    })
    return promise
  }

  call(id: number, method: BrokerMethod, request: object): void {
    const { bytes, ...rest } = request as { bytes?: Buffer }
    writeFrame(this.#socket, { id, method, request: rest }, bytes)
  }

  cancel(id: number): void {
    writeFrame(this.#socket, { cancel: id }, undefined)
  }

  /** Sends what was written, then closes. */
  close(): void {
    this.#socket.destroySoon()
  }
}

/** For a holder that has the lock and does not answer. */
export function notAnswering(info: HolderInfo | undefined): string {
  return info === undefined
    ? 'another process holds the log and does not answer: end it, or wait for it'
    : `process ${info.pid} on ${info.host.split(' ')[0]} holds the log and does not answer: it may be stopped ` +
        `(kill -CONT ${info.pid} lets it go on) or busy; end it, and the log is taken over`
}

function dispatch(frame: AnswerFrame, payload: Buffer | undefined, events: ConnectionEvents): void {
  if ('error' in frame) return events.failed(frame.id, fromRefusal(frame.error))
  const { id, result, hasBytes } = frame
  events.answered(id, hasBytes ? { ...(result as object), bytes: payload ?? EMPTY } : result)
}

const EMPTY = Buffer.alloc(0)
