import {
  KinesisClient,
  type KinesisClientConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  SubscribeToShardCommand,
  type SubscribeToShardCommandOutput,
  type SubscribeToShardEventStream,
  type SubscribeToShardInput,
} from '@aws-sdk/client-kinesis'
import { NodeHttp2Handler, NodeHttpHandler } from '@smithy/node-http-handler'
import { StreamError } from '../../../src/driver.ts'
import { classify } from '../classify.ts'
import type { AwsConnection } from './aws-connection.ts'
import { withRecordBodies } from './record-protocol.ts'
import { ServerClock } from './server-clock.ts'
import type { CallOptions, KinesisCommand, KinesisService } from './service.ts'

/** A reader and a few writes a shard at once; more wait for a socket. */
const MAX_SOCKETS = 1_024
const CONNECTION_TIMEOUT_MS = 5_000

export interface ServiceSettings {
  readonly connection: AwsConnection
  /** Undefined: AWS's own. */
  readonly endpoint: string | undefined
  /** Milliseconds. */
  readonly requestTimeoutMs: number
}

/** The service by way of the AWS SDK. */
export class SdkService implements KinesisService {
  readonly #requests: KinesisClient
  readonly #subscriptions: KinesisClient
  readonly #requestTimeoutMs: number
  readonly #clock = new ServerClock()
  readonly #running = new Set<AbortController>()
  #closed = false

  constructor({ connection, endpoint, requestTimeoutMs }: ServiceSettings) {
    const common: KinesisClientConfig = {
      ...connection,
      ...(endpoint === undefined ? {} : { endpoint }),
      maxAttempts: 1,
    }
    const agent = { keepAlive: true, maxSockets: MAX_SOCKETS }
    const http = (): NodeHttpHandler =>
      new NodeHttpHandler({
        httpAgent: agent,
        httpsAgent: agent,
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        // The SDK would warn on the console of sockets that are all in use.
        socketAcquisitionWarningTimeout: 0x7fffffff,
      })
    this.#requestTimeoutMs = requestTimeoutMs
    this.#requests = withRecordBodies(
      this.#withClock(new KinesisClient({ ...common, requestHandler: http() })),
    )
    // What answers plain http speaks HTTP/1.1 alone.
    const requestHandler = endpoint?.startsWith('http:') ? http() : new NodeHttp2Handler()
    this.#subscriptions = this.#withClock(new KinesisClient({ ...common, requestHandler }))
  }

  async call<Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: KinesisCommand<Input, Output>,
    options?: CallOptions,
  ): Promise<Output> {
    const run = this.#begin(options?.signal, options?.timeoutMs)
    try {
      const answer = dated(() => this.#requests.send(command, { abortSignal: run.abortSignal }))
      return await Promise.race([answer, run.interrupted])
    } catch (error) {
      throw run.reason ?? classify(error)
    } finally {
      run.end()
    }
  }

  async subscribe(input: SubscribeToShardInput, signal: AbortSignal): Promise<SubscribeToShardCommandOutput> {
    const run = this.#begin(signal, undefined)
    try {
      const answer = dated(() =>
        this.#subscriptions.send(new SubscribeToShardCommand(input), { abortSignal: run.abortSignal }),
      )
      const output = await Promise.race([answer, run.interrupted])
      run.stopTimer()
      if (output.EventStream === undefined) run.end()
      else output.EventStream = eventsOf(output.EventStream, run)
      return output
    } catch (error) {
      run.end()
      throw run.reason ?? classify(error)
    }
  }

  now(): number {
    return this.#clock.now()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const controller of this.#running) controller.abort(closedError())
    this.#requests.destroy()
    this.#subscriptions.destroy()
  }

  #begin(signal: AbortSignal | undefined, timeoutMs = this.#requestTimeoutMs): Run {
    if (this.#closed) throw closedError()
    signal?.throwIfAborted()
    return new Run(this.#running, signal, timeoutMs)
  }

  #withClock(client: KinesisClient): KinesisClient {
    client.middlewareStack.add(
      (next) => async (args) => {
        const sentAt = performance.now()
        const result = await next(args)
        const { headers } = (result.response ?? {}) as { headers?: Record<string, string> }
        if (headers?.date !== undefined) this.#clock.heard(headers.date, sentAt, performance.now())
        return result
      },
      // Under the one that reads the answer, so that errors count too.
      { step: 'deserialize', priority: 'low', name: 'millraceClock' },
    )
    return client
  }
}

/** A request, or a subscription for as long as its events come: ends by its caller, its time or the service's close. */
class Run {
  readonly #all: Set<AbortController>
  readonly #controller = new AbortController()
  readonly #signal: AbortSignal | undefined
  readonly #timer: NodeJS.Timeout
  /** Rejects when the run is ended from outside; the SDK does not look at the signal everywhere. */
  readonly interrupted: Promise<never>

  constructor(all: Set<AbortController>, signal: AbortSignal | undefined, timeoutMs: number) {
    this.#all = all
    this.#signal = signal
    all.add(this.#controller)
    signal?.addEventListener('abort', this.#onAbort)
    this.#timer = setTimeout(() => this.#controller.abort(timeoutError(timeoutMs)), timeoutMs)
    this.interrupted = new Promise((_, reject) => {
      this.abortSignal.addEventListener('abort', () => reject(this.reason), { once: true })
    })
    this.interrupted.catch(() => {})
  }

  get abortSignal(): AbortSignal {
    return this.#controller.signal
  }

  /** Why it was ended from outside; undefined where it was not. */
  get reason(): unknown {
    return this.abortSignal.aborted ? this.abortSignal.reason : undefined
  }

  stopTimer(): void {
    clearTimeout(this.#timer)
  }

  end(): void {
    this.stopTimer()
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#all.delete(this.#controller)
  }

  /** Closes what is still open of it. */
  abandon(): void {
    this.end()
    this.#controller.abort(closedError())
  }

  readonly #onAbort = (): void => this.#controller.abort(this.#signal!.reason)
}

/** Once more where the request was refused because this machine's clock is off: the SDK has learned the service's by that. */
async function dated<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send()
  } catch (error) {
    if (!/^Signature (expired|not yet current)/.test((error as Error).message)) throw error
    return send()
  }
}

async function* eventsOf(
  events: AsyncIterable<SubscribeToShardEventStream>,
  run: Run,
): AsyncGenerator<SubscribeToShardEventStream, void, undefined> {
  const iterator = events[Symbol.asyncIterator]()
  try {
    while (true) {
      const next = await Promise.race([iterator.next(), run.interrupted])
      if (next.done === true) return
      yield next.value
    }
  } catch (error) {
    throw run.reason ?? classify(error)
  } finally {
    run.abandon()
  }
}

function closedError(): StreamError {
  return new StreamError('CLOSED', 'the connection to Kinesis is closed: connect again')
}

function timeoutError(timeoutMs: number): StreamError {
  return new StreamError(
    'TIMEOUT',
    `Kinesis did not answer within ${timeoutMs} ms: try again, and look at endpoint, port and network (requestTimeoutMs=… allows more)`,
  )
}
