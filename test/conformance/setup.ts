import type { Driver, TopicSpec } from '../../src/driver.ts'

/** What the suite needs of a test runner; vitest and node:test (with `after` as `afterAll`) both have it. */
export interface Runner {
  describe(name: string, body: () => void): unknown
  test(name: string, options: { readonly timeout: number }, body: () => Promise<void>): unknown
  afterAll(body: () => Promise<void>): unknown
}

/** How a child process opens the same backend: `import(module)[factory](address, …)`, a `DriverFactory`. */
export interface ChildDriver {
  /** URL of an ES module. */
  readonly module: string
  readonly factory: string
  readonly address: string
}

/**
 * Faults that only the backend's own tests can cause. A case that needs one which is not there fails, so that its absence has
 * to be waived with a reason.
 */
export interface Faults {
  /**
   * Makes retention drop what the topic holds now: all of it is stamped an hour ago, what is sent later is not. Resolves when
   * it is gone.
   */
  expire?(topic: string): Promise<void>
  /** How topics that are to `expire` are created. Default: as any. */
  readonly expiring?: Partial<TopicSpec>
  /** Compacts the topic now, its newest records perhaps left out. */
  compact?(topic: string): Promise<void>
  /** How topics that are to be compacted are created, beside `compacted`. Default: as any. */
  readonly compacting?: Partial<TopicSpec>
  /** Kills the process that serves the others, with `kill -9`. Resolves when it is gone, not when it is replaced. */
  loseServer?(): Promise<void>
  /** The connection dies without a farewell, as its process would; its members are unheard of from now on. */
  crash?(driver: Driver): Promise<void>
}

/** A backend that stands for the time of the suite. */
export interface Backend {
  /** One more connection, as another process would make it. The suite closes it. */
  openDriver(): Promise<Driver>
  /** Wanted where `multiProcess` is declared. */
  readonly child?: ChildDriver
  readonly faults?: Faults
  close(): Promise<void>
}

export interface ConformanceSetup {
  readonly name: string
  /** Called once, before the first case. */
  open(): Promise<Backend>
  /**
   * Cases known to fail, by id, each with its reason. An unknown id fails the suite, and so does a case that passes although it
   * is waived.
   */
  readonly waivers?: Readonly<Record<string, string>>
  /** Runs only cases whose id starts with one of these. Default: all. */
  readonly only?: readonly string[]
  /** Multiplies every time limit. Default: 1. */
  readonly patience?: number
}
