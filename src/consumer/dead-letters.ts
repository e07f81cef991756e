import { deadLetterHeaders, type ParkingTicket } from '../dead-letter-headers.ts'
import type { Driver, DriverProducer, FetchedBatch } from '../driver.ts'
import { StreamError } from '../errors.ts'
import type { EncodedRecord, Header } from '../record.ts'
import { backoff, type RetryPolicy } from './retry-policy.ts'

/** Error texts are cut here, so that a stack of causes does not make the dead letter too large to write. */
const MAX_ERROR_CHARS = 1_000
const CLOSE_DEADLINE_MS = 5_000

export interface DeadLetter {
  readonly batch: FetchedBatch
  readonly index: number
  readonly error: unknown
  /** Calls of the handler that saw it. */
  readonly attempts: number
  readonly ticket: ParkingTicket | undefined
}

/** Writes dead letters. A write that fails for good rejects: the record then stays unfinished. */
export class DeadLetters {
  private readonly driver: Driver
  private readonly topic: string
  private readonly group: string
  private readonly policy: RetryPolicy
  private producer: Promise<DriverProducer> | undefined

  constructor(driver: Driver, topic: string, group: string, policy: RetryPolicy) {
    this.driver = driver
    this.topic = topic
    this.group = group
    this.policy = policy
  }

  /** Fails early, before a record is at stake. */
  async check(): Promise<void> {
    try {
      await this.driver.admin.describeTopic(this.topic)
    } catch (cause) {
      if (!(cause instanceof StreamError && cause.code === 'NOT_FOUND')) throw cause
      throw new StreamError(
        'NOT_FOUND',
        `the dead-letter topic "${this.topic}" does not exist: create it before run(), for example by ` +
          `millrace topics create ${this.driver.address}/${this.topic}`,
        { topic: this.topic, cause },
      )
    }
  }

  /** Durable when resolved. */
  async write(letter: DeadLetter, signal: AbortSignal): Promise<void> {
    const record = this.encode(letter)
    for (let attempt = 1; ; attempt++) {
      try {
        this.producer ??= this.driver.openProducer({ clientId: `millrace-dead-letters-${process.pid}` })
        const producer = await this.producer
        await producer.send(this.topic, [record])
        return
      } catch (error) {
        const failed = this.driver.classify(error)
        if (!failed.retryable || attempt >= this.policy.attempts) throw this.refusal(letter, failed)
        await backoff(this.policy.delayMs(attempt), signal)
      }
    }
  }

  async close(): Promise<void> {
    const producer = await this.producer?.catch(() => undefined)
    await producer?.close(CLOSE_DEADLINE_MS)
  }

  private encode({ batch, index, error, attempts, ticket }: DeadLetter): EncodedRecord {
    const own: Record<string, string> = {
      [deadLetterHeaders.topic]: batch.topic,
      [deadLetterHeaders.partition]: batch.partition,
      [deadLetterHeaders.position]: batch.position(index),
      [deadLetterHeaders.timestamp]: String(batch.timestamp(index)),
      [deadLetterHeaders.group]: this.group,
      [deadLetterHeaders.error]: messageOf(error).slice(0, MAX_ERROR_CHARS),
      [deadLetterHeaders.errorName]: nameOf(error),
      [deadLetterHeaders.attempts]: String(attempts),
      ...(ticket && { [deadLetterHeaders.parked]: JSON.stringify(ticket) }),
    }
    // A record that fails again after it was sent back says so once, with its newest failure.
    const kept = batch.headers(index).filter((header) => !header.name.startsWith('millrace-'))
    const added: Header[] = Object.entries(own).map(([name, value]) => ({ name, value: Buffer.from(value) }))
    return {
      key: batch.key(index),
      value: batch.value(index),
      headers: [...kept, ...added],
      timestamp: batch.timestamp(index),
      partition: undefined,
    }
  }

  private refusal({ batch, index }: DeadLetter, cause: StreamError): StreamError {
    const position = batch.position(index)
    return new StreamError(
      cause.code,
      `the record at ${batch.topic}/${batch.partition}@${position} failed, and its dead letter could not be written to ` +
        `"${this.topic}": ${cause.message} The record stays unfinished and comes again.`,
      { topic: batch.topic, partition: batch.partition, position, retryable: cause.retryable, cause },
    )
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function nameOf(error: unknown): string {
  if (error instanceof StreamError) return error.code
  return error instanceof Error ? error.name : typeof error
}
