/** What a child process does; handed to it as JSON. */
export type Task =
  /** Sends rounds of one record a key, pipelined, until `rounds` are through; `send` or `sendBatch`. */
  | {
      readonly role: 'produce'
      readonly topic: string
      readonly producer: string
      readonly keys: readonly string[]
      readonly rounds: number
      readonly batched?: boolean
      /** Milliseconds between rounds. */
      readonly gapMs?: number
    }
  /** A member of a group until it is killed or stdin ends. */
  | {
      readonly role: 'consume'
      readonly topic: string
      readonly group: string
      /** Milliseconds that each record takes. */
      readonly handleMs?: number
      readonly concurrency?: number
      readonly sessionTimeoutMs?: number
    }
  /** Consume, transform, produce in transactions until it is killed or stdin ends. */
  | {
      readonly role: 'pipe'
      readonly topic: string
      readonly into: string
      readonly group: string
      readonly sessionTimeoutMs?: number
    }
  /** Stays connected until it is killed or stdin ends. */
  | { readonly role: 'stay' }
  /** Creates the topic, opens one of everything, uses it, closes it, and should then end by itself. */
  | { readonly role: 'leave'; readonly topic: string; readonly group: string }

/** How a child is started: its task, its way to the backend and its name to the oracle. */
export interface ChildOrder {
  readonly driver: { readonly module: string; readonly factory: string; readonly address: string }
  readonly task: Task & { readonly member: string }
}
