import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { answer, bringDown } from './bring-down.ts'
import { Calls } from './calls.ts'
import type { Fault, SetFault } from './fault.ts'
import { Faults } from './faults.ts'
import { seededRandom } from './random.ts'
import { readBody } from './read-body.ts'
import type { ServiceError } from './service-error.ts'

/**
 * Stands between an SDK and a service of AWS JSON over HTTP/1.1 (DynamoDB, Kinesis), and lets calls go wrong by their operation.
 * Signatures pass as they are: the service must not verify the host, as LocalStack does not.
 */
export class AwsFaultProxy {
  /** What the SDK is given. */
  readonly endpoint: string
  /** All calls that arrived: DynamoDB's by table, Kinesis's by stream name. */
  readonly calls = new Calls()
  readonly #faults: Faults
  readonly #to: URL
  readonly #port: number
  readonly #agent = new http.Agent({ keepAlive: true })
  readonly #sockets = new Set<Socket>()
  #server: http.Server

  private constructor(to: URL, seed: number, server: http.Server) {
    this.#to = to
    this.#faults = new Faults(seededRandom(seed))
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
    this.endpoint = `http://127.0.0.1:${this.#port}`
    this.#serve()
  }

  /** In front of `endpoint`, on a free port of 127.0.0.1. */
  static async listen(
    endpoint: string,
    { seed = 1 }: { readonly seed?: number } = {},
  ): Promise<AwsFaultProxy> {
    const server = http.createServer()
    await listening(server, 0)
    return new AwsFaultProxy(new URL(endpoint), seed, server)
  }

  add(fault: Fault): SetFault {
    return this.#faults.add(fault)
  }

  clear(): void {
    this.#faults.clear()
  }

  /** As when the service is down: connections break, new ones are refused, until `restore`. */
  async refuse(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  async restore(): Promise<void> {
    if (this.#server.listening) return
    this.#server = http.createServer()
    this.#serve()
    await listening(this.#server, this.#port)
  }

  async close(): Promise<void> {
    this.#agent.destroy()
    if (this.#server.listening) await this.refuse()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #serve(): void {
    this.#server.keepAliveTimeout = 0
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('request', (request, response) => {
      response.on('error', () => {})
      // What breaks off on one side is broken off on the other.
      this.#pass(request, response).catch(() => response.destroy())
    })
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request)
    const call = callOf(String(request.headers['x-amz-target'] ?? ''), body)
    this.calls.add(call.operation)
    const subject = call.table ?? call.stream
    if (subject !== undefined) this.calls.add(call.operation, subject)
    const faults = this.#faults.meeting(call)
    const refuse = (error: ServiceError): void => writeError(request, response, error)
    if (await bringDown(faults, 'before', response, refuse)) return
    const upstream = await this.#forward(request, body)
    if (faults.length === 0) {
      response.writeHead(upstream.statusCode!, upstream.headers)
      return pipeline(upstream, response)
    }
    const result = await readBody(upstream)
    if (await bringDown(faults, 'after', response, refuse)) return
    response.writeHead(upstream.statusCode!, upstream.headers)
    answer(response, result, faults)
  }

  #forward(request: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      http
        .request(
          new URL(request.url ?? '/', this.#to),
          {
            method: request.method ?? 'POST',
            headers: { ...request.headers, 'content-length': body.length },
            agent: this.#agent,
          },
          resolve,
        )
        .once('error', reject)
        .end(body)
    })
  }
}

function callOf(
  target: string,
  body: Buffer,
): { operation: string; table: string | undefined; stream: string | undefined } {
  const operation = target.slice(target.indexOf('.') + 1)
  let input: { TableName?: string; StreamName?: string; RequestItems?: object; StreamARN?: string } = {}
  try {
    input = JSON.parse(body.toString())
  } catch {}
  return {
    operation,
    table: input.TableName ?? Object.keys(input.RequestItems ?? {})[0],
    stream: input.StreamName ?? input.StreamARN?.match(/:stream\/([^/]+)/)?.[1],
  }
}

/** As DynamoDB writes it: its codes bear the name of the API. */
function writeError(request: IncomingMessage, response: ServerResponse, error: ServiceError): void {
  const isDynamo = String(request.headers['x-amz-target']).startsWith('DynamoDB_')
  const type = isDynamo ? `com.amazonaws.dynamodb.v20120810#${error.code}` : error.code
  response.statusCode = error.status
  response.setHeader('content-type', request.headers['content-type'] ?? 'application/x-amz-json-1.0')
  response.end(JSON.stringify({ __type: type, message: error.message }))
}

function listening(server: http.Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
}
