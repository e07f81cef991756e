/** How large values are, and how many records go into one call, batch or transaction. */
export interface Shape {
  readonly valueBytes: number
  readonly batch: number
}

/** What a contender is told beside the shape; each module knows its own. */
export type Settings = Readonly<Record<string, string | number | boolean>>

/** Somebody who does the work of a case, in a process of its own. */
export interface Contender {
  /** Its row in the table; unique within case and shape. */
  readonly name: string
  /** A module below `bench/` that exports `open`: `bare/append`. */
  readonly module: string
  /** What an acknowledged record survives, in words. */
  readonly durability?: string
  /** The contender whose rate this one's is divided by, by name. */
  readonly reference?: string
  /** A limit of the machine, not a product: drawn apart. */
  readonly bare?: boolean
  /** How many rounds it takes part in, all of which count, where each costs seconds to start. Default: all. */
  readonly rounds?: number
  readonly settings?: Settings
}

/** One measurement: the same work by several contenders, for several shapes. */
export interface Case {
  readonly name: string
  readonly title: string
  /** What exactly is timed, in a sentence or two. */
  readonly what: string
  readonly unit: 'records/s' | 'ms'
  readonly shapes: readonly Shape[]
  /** Where rounds are to be longer and fewer than in other cases. */
  readonly pace?: CasePace
  /** In the order in which they take turns. */
  contenders(shape: Shape, field: Field): readonly Contender[]
}

export interface CasePace {
  readonly rounds: number
  /** Rounds before the first that counts; the first of them is short. */
  readonly warmUps: number
  /** About how long a round takes where the case can choose. Milliseconds. */
  readonly roundMs: number
}

/** Who takes part. */
export interface Field {
  readonly log: boolean
  readonly memory: boolean
  readonly peers: boolean
  /** `host:port` of a broker. */
  readonly kafka: string | undefined
  /** The container that it runs in. */
  readonly container: string | undefined
  readonly kinesis: KinesisField | undefined
}

/** What the cases on Kinesis work with. */
export interface KinesisField {
  /** `http://host:port` of an endpoint that answers at once. */
  readonly endpoint: string
  readonly tlsPort: number
  /** Of KCL and KPL; undefined: they are left out. */
  readonly classPath: string | undefined
  /** Of DynamoDB, for KCL; undefined: it is left out. */
  readonly dynamodb: string | undefined
}

/** What a module's `open` is given. */
export interface Task extends Shape {
  /** Empty, on the disk, removed afterwards. */
  readonly folder: string
  readonly settings: Settings
}

export interface Round {
  readonly records: number
  /** Of the timed part alone. */
  readonly millis: number
  /** CPU of the whole process in the timed part, its threads included. Seconds. */
  readonly cpuSeconds: number
  readonly latency?: Latency
  /** That went over the network, where they cost money. */
  readonly requests?: number
}

/** Milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** What `open` resolves with. */
export interface Work {
  /** Does the work with about so many records; cases that read go over what is there until it was so many. */
  round(records: number): Promise<Round>
  close(): Promise<void>
  /** Of another process that does the work. Default: this one's. */
  peakRssMiB?(): number
}

export interface ContenderModule {
  open(task: Task): Promise<Work>
}
