import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Fault, SetFault } from '../../aws-faults/fault.ts'
import { readBody } from '../../aws-faults/read-body.ts'
import type { KinesisEffect } from '../kinesis-effect.ts'
import type { Interruption } from '../model/subscription.ts'
import type { KinesisFake, TrimOptions } from '../start-kinesis-fake.ts'

/** What another process may do with a fake, as JSON: the members of `KinesisFake`, by `POST /fake/NAME`. */
export class Control {
  readonly #fake: KinesisFake
  readonly #faults: SetFault[] = []

  constructor(fake: KinesisFake) {
    this.#fake = fake
  }

  meets(request: IncomingMessage): boolean {
    return request.url?.startsWith('/fake/') === true
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await readBody(request)).toString()
    const does = this.#actions[request.url!.slice('/fake/'.length)]
    if (does === undefined) {
      response.statusCode = 404
      response.end(`${request.url}: there are ${Object.keys(this.#actions).join(', ')}`)
      return
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(does((body === '' ? {} : JSON.parse(body)) as never) ?? null))
  }

  readonly #actions: Readonly<Record<string, (input: never) => unknown>> = {
    /** A fault; gives its number. */
    'add-fault': (fault: Fault<KinesisEffect>) => this.#faults.push(this.#fake.faults.add(fault)) - 1,
    /** By the fault's number. */
    hits: () => this.#faults.map(({ hits }) => hits),
    'clear-faults': () => this.#fake.faults.clear(),
    calls: () => this.#fake.calls.snapshot(),
    'reset-calls': () => this.#fake.calls.reset(),
    settle: () => this.#fake.settle(),
    trim: ({ stream, ...options }: TrimOptions & { readonly stream: string }) =>
      this.#fake.trim(stream, options),
    clock: ({ offsetMs, passMs = 0 }: { readonly offsetMs?: number; readonly passMs?: number }) => {
      if (offsetMs !== undefined) this.#fake.clock.offsetMs = offsetMs
      this.#fake.clock.pass(passMs)
    },
    /** Gives how many subscriptions were met. */
    interrupt: ({ stream, shard, ...interruption }: Interruption & { stream: string; shard?: string }) => {
      const subscriptions = this.#fake.subscriptions(stream, shard)
      for (const subscription of subscriptions) subscription.interrupt(interruption as Interruption)
      return subscriptions.length
    },
  }
}
