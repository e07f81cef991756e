import type { Acknowledgement, DriverProducer, SendOptions } from '../driver.ts'
import { PartialFailureError, StreamError } from '../errors.ts'
import type { EncodedRecord } from '../record.ts'
import { AcknowledgedResults } from './send-results.ts'

interface Call {
  readonly from: number
  readonly length: number
  resolve(results: AcknowledgedResults): void
  reject(error: unknown): void
}

/** Together large calls gain nothing, and would be answered by the last of them, all at the same moment. */
const FULL_RECORDS = 2_048

/**
 * The calls for one topic, in order. Calls of one turn of the event loop go to the driver together until they are many records, so single
 * sends cost a place in an array each, not a request.
 */
export class TopicLane {
  private readonly topic: string
  private readonly producer: DriverProducer
  private records: EncodedRecord[] = []
  private calls: Call[] = []
  private scheduled = false

  constructor(topic: string, producer: DriverProducer) {
    this.topic = topic
    this.producer = producer
  }

  /** The records are the lane's from now on. */
  add(records: EncodedRecord[]): Promise<AcknowledgedResults> {
    return new Promise((resolve, reject) => {
      this.calls.push({ from: this.records.length, length: records.length, resolve, reject })
      if (this.records.length === 0) this.records = records
      else for (const record of records) this.records.push(record)
      if (this.records.length >= FULL_RECORDS) return this.dispatch()
      if (this.scheduled) return
      this.scheduled = true
      queueMicrotask(this.dispatch)
    })
  }

  private readonly dispatch = (): void => {
    const { records, calls } = this
    this.scheduled = false
    // A full lot went before its turn was over.
    if (calls.length === 0) return
    this.records = []
    this.calls = []
    let waiting = calls
    const resolve = (acknowledgement: Acknowledgement, { from, length, resolve }: Call): void =>
      resolve(new AcknowledgedResults(acknowledgement, from, length))
    // Calls that travel together have nothing else to do with each other.
    const onWritten: SendOptions['onWritten'] = (acknowledgement, isWritten) => {
      waiting = waiting.filter((call) => {
        for (let i = call.from; i < call.from + call.length; i++) if (!isWritten(i)) return true
        resolve(acknowledgement, call)
        return false
      })
    }
    this.producer.send(this.topic, records, calls.length > 1 ? { onWritten } : undefined).then(
      (acknowledgement) => {
        for (const call of waiting) resolve(acknowledgement, call)
      },
      (error) => {
        for (const call of waiting) settleFailed(call, error)
      },
    )
  }
}

/** After a partial failure a call is judged by its own records alone. */
function settleFailed(call: Call, error: unknown): void {
  if (!(error instanceof PartialFailureError)) return call.reject(error)
  const outcomes = error.outcomes.slice(call.from, call.from + call.length)
  const failed = outcomes.filter((outcome) => 'error' in outcome)
  if (failed.length === 0) {
    call.resolve(new AcknowledgedResults(acknowledgementOf(outcomes), 0, call.length))
  } else if (call.length === 1) {
    call.reject(failed[0]?.error)
  } else {
    const message = `${failed.length} of ${call.length} records were not written: ${failed[0]?.error.message}`
    call.reject(new PartialFailureError(message, outcomes, { topic: error.topic, cause: error }))
  }
}

function acknowledgementOf(outcomes: PartialFailureError['outcomes']): Acknowledgement {
  const at = (i: number): { partition: string; position: string } => {
    const outcome = outcomes[i]
    if (outcome === undefined || 'error' in outcome)
      throw new StreamError('INTERNAL', `record ${i} has no place`)
    return outcome
  }
  return {
    count: outcomes.length,
    partition: (i) => at(i).partition,
    position: (i) => at(i).position,
  }
}
