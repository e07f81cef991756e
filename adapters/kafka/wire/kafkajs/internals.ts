import { createRequire } from 'node:module'
import { StreamError } from '../../../../src/driver.ts'

// The parts of kafkajs 2.2 that are used; it has no types for them and no exports map that would hide them.

/** `network/connection.js` */
export interface KafkajsConnection {
  requestQueue: object
  reauthenticationThreshold: number
  readonly sessionLifetime: { toString(): string }
  authenticate(): Promise<void>
  disconnect(): Promise<unknown>
}

/** `network/connectionPool.js`: the second connection, for Fetch, is never used and so never made. */
export interface KafkajsPool {
  readonly pool: readonly KafkajsConnection[]
}

/** `broker/index.js` */
export interface KafkajsBroker {
  readonly versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>> | null
  connect(): Promise<void>
}

export interface PoolOptions {
  readonly host: string
  readonly port: number
  readonly clientId: string
  readonly ssl: object | null
  readonly sasl: object | null
  readonly logger: unknown
  readonly socketFactory: (options: {
    host: string
    port: number
    ssl: object | null
    onConnect: () => void
  }) => import('node:net').Socket
  readonly connectionTimeout: number
  readonly requestTimeout: number
  readonly enforceRequestTimeout: boolean
}

export interface Kafkajs {
  readonly Broker: new (options: {
    connectionPool: KafkajsPool
    logger: unknown
    authenticationTimeout: number
    allowAutoTopicCreation: boolean
  }) => KafkajsBroker
  readonly ConnectionPool: new (options: PoolOptions) => KafkajsPool
  /** Says nothing: what happens is told by errors. */
  readonly logger: unknown
}

let loaded: Kafkajs | undefined

/** Loads kafkajs when it is first needed. UNSUPPORTED where it is not installed. */
export function loadKafkajs(): Kafkajs {
  if (loaded !== undefined) return loaded
  const require = createRequire(import.meta.url)
  try {
    const { createLogger } = require('kafkajs/src/loggers')
    loaded = {
      Broker: require('kafkajs/src/broker'),
      ConnectionPool: require('kafkajs/src/network/connectionPool'),
      logger: createLogger({ level: 0, logCreator: () => () => {} }),
    }
    return loaded
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause
    throw new StreamError(
      'UNSUPPORTED',
      'kafka:// and msk:// need the package kafkajs: npm install kafkajs',
      { cause },
    )
  }
}
