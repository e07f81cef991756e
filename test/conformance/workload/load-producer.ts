import { PartialFailureError, type Sender, type SendResult, StreamError } from '../../../src/index.ts'
import type { OracleFact, RecordId } from '../oracle/events.ts'
import type { Load, LoadTopic } from './load.ts'

interface Extras {
  readonly pad?: string
  /** Default: the backend's. */
  readonly timestamp?: number
}

/** One producer of the workload: numbers its records per key and tells the oracle of sends and acknowledgements. */
export class LoadProducer {
  readonly name: string
  readonly topic: LoadTopic
  private readonly sender: Sender
  private readonly record: (fact: OracleFact) => void
  private readonly counters = new Map<string, number>()

  constructor(sender: Sender, name: string, topic: LoadTopic, record: (fact: OracleFact) => void) {
    this.sender = sender
    this.name = name
    this.topic = topic
    this.record = record
  }

  next(key: string, pad?: string): Load {
    const seq = (this.counters.get(key) ?? 0) + 1
    this.counters.set(key, seq)
    return { producer: this.name, key, seq, ...(pad === undefined ? {} : { pad }) }
  }

  async send(key: string, options: Extras = {}): Promise<SendResult> {
    const load = this.next(key, options.pad)
    this.told(load)
    try {
      const { timestamp } = options
      const stamp = timestamp === undefined ? {} : { timestamp }
      const result = await this.sender.send(this.topic, load, stamp)
      this.acknowledged(load, result)
      return result
    } catch (error) {
      this.refused(load, error)
      throw error
    }
  }

  /** One call for a record of each key given, in that order. */
  async sendBatch(batch: readonly string[], pad?: string): Promise<SendResult[]> {
    const loads = batch.map((key) => this.next(key, pad))
    for (const load of loads) this.told(load)
    try {
      const results = [...(await this.sender.sendBatch(this.topic, loads))]
      loads.forEach((load, i) => {
        this.acknowledged(load, results[i]!)
      })
      return results
    } catch (error) {
      loads.forEach((load, i) => {
        const outcome = error instanceof PartialFailureError ? error.outcomes[i] : undefined
        if (outcome !== undefined && 'position' in outcome) this.acknowledged(load, outcome)
        else this.refused(load, error)
      })
      throw error
    }
  }

  /** `perKey` records of each key, interleaved, none awaited before the next is sent; `gap` is awaited after each round. */
  async burst(
    options: {
      readonly keys: readonly string[]
      readonly perKey: number
      readonly gap?: () => unknown
    } & Extras,
  ): Promise<SendResult[]> {
    const pending: Promise<SendResult>[] = []
    for (let round = 0; round < options.perKey; round++) {
      for (const key of options.keys) {
        const sent = this.send(key, options)
        sent.catch(() => {})
        pending.push(sent)
      }
      await options.gap?.()
    }
    return Promise.all(pending)
  }

  private told(id: RecordId): void {
    this.record({ type: 'sent', topic: this.topic.name, ...only(id) })
  }

  private acknowledged(id: RecordId, at: SendResult): void {
    const { partition, position } = at
    this.record({ type: 'acknowledged', topic: this.topic.name, partition, position, ...only(id) })
  }

  private refused(id: RecordId, error: unknown): void {
    const code = error instanceof StreamError ? error.code : String(error)
    this.record({ type: 'refused', topic: this.topic.name, code, ...only(id) })
  }
}

function only({ producer, key, seq }: RecordId): RecordId {
  return { producer, key, seq }
}
