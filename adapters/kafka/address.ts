import { StreamError } from '../../src/driver.ts'
import { COMPRESSION_NAMES, type CompressionName } from '../../src/formats/compression.ts'
import type { GroupProtocol } from './parts.ts'
import { type ConnectionSettings, DRIVERS, type DriverName } from './wire/settings.ts'

/** A parsed address of a cluster. */
export interface KafkaAddress {
  readonly scheme: 'kafka' | 'msk'
  readonly seeds: ConnectionSettings['seeds']
  readonly driver: DriverName
  /** Undefined: of this process. */
  readonly clientId: string | undefined
  readonly acks: -1 | 1
  /** For topics that leave it to the producer. */
  readonly compression: CompressionName
  readonly partitioner: string
  readonly rack: string | undefined
  readonly groupProtocol: GroupProtocol
  readonly connectTimeoutMs: number
  readonly deliveryTimeoutMs: number
  /** What `security/` reads: TLS, SASL, IAM. */
  readonly security: ReadonlyMap<string, string>
}

export const SECURITY_PARAMETERS = [
  'tls',
  'ca',
  'cert',
  'key',
  'servername',
  'insecure',
  'sasl',
  'username',
] as const
export const IAM_PARAMETERS = ['region', 'profile', 'role', 'roleSessionName'] as const

const PARAMETERS = [
  'acks',
  'clientId',
  'compression',
  'connectTimeoutMs',
  'deliveryTimeoutMs',
  'driver',
  'groupProtocol',
  'partitioner',
  'rack',
  ...SECURITY_PARAMETERS,
]

const DEFAULT_PORTS = { kafka: 9092, msk: 9098 } as const

/**
 * Parses `kafka://host:9092,host2:9092?…` and `msk://host:9098?region=…`. A path is left to whoever names topics. Values are
 * decoded as in any URL. INVALID_ARGUMENT.
 */
export function parseAddress(address: string): KafkaAddress {
  const match = /^(kafka|msk):\/\/([^/?#]*)(?:\/[^?#]*)?(?:\?(.*))?$/s.exec(address)
  if (match === null) {
    throw invalid(
      `'${hidden(address)}' is no address of Kafka: write kafka://host:9092 or msk://host:9098?region=…`,
    )
  }
  const scheme = match[1] as 'kafka' | 'msk'
  const hosts = match[2]!
  if (hosts.includes('@')) {
    throw invalid(
      `${scheme}: addresses carry no user and password, as they end in logs: give username=NAME&sasl=plain, and the password ` +
        'by MILLRACE_KAFKA_PASSWORD or the option credentials',
    )
  }
  const parameters = new Map(new URLSearchParams(match[3] ?? ''))
  const known = scheme === 'msk' ? [...PARAMETERS, ...IAM_PARAMETERS] : PARAMETERS
  const unknown = [...parameters.keys()].find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw invalid(
      `'${address}' has the unknown parameter ${unknown}: ${scheme}: knows ${known.toSorted().join(', ')}`,
    )
  }
  return {
    scheme,
    seeds: parseHosts(hosts, DEFAULT_PORTS[scheme], address),
    driver: parseDriver(parameters.get('driver') ?? 'kafkajs'),
    clientId: parameters.get('clientId'),
    acks: parseAcks(parameters.get('acks') ?? 'all'),
    compression: parseCompression(parameters.get('compression') ?? 'none'),
    partitioner: parameters.get('partitioner') ?? 'kafka',
    rack: parameters.get('rack'),
    groupProtocol: parseGroupProtocol(parameters.get('groupProtocol') ?? 'classic'),
    connectTimeoutMs: positive('connectTimeoutMs', parameters.get('connectTimeoutMs') ?? '5000'),
    deliveryTimeoutMs: positive('deliveryTimeoutMs', parameters.get('deliveryTimeoutMs') ?? '120000'),
    security: new Map(
      [...parameters].filter(([name]) =>
        [...SECURITY_PARAMETERS, ...IAM_PARAMETERS].some((each) => each === name),
      ),
    ),
  }
}

function parseHosts(hosts: string, defaultPort: number, address: string): ConnectionSettings['seeds'] {
  const seeds = hosts.split(',').map((text) => {
    const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text.trim())
    const port = Number(match?.[3] ?? defaultPort)
    if (match === null || port < 1 || port > 65_535) {
      throw invalid(`'${address}': '${text}' is no host:port, as in kafka://host:9092,host2:9092`)
    }
    return { host: match[1] ?? match[2]!, port }
  })
  return seeds
}

function parseDriver(value: string): DriverName {
  const found = DRIVERS.find((name) => name === value)
  if (found !== undefined) return found
  throw invalid(`driver=${value}: give one of ${DRIVERS.join(', ')}`)
}

function parseGroupProtocol(value: string): GroupProtocol {
  if (value === 'classic' || value === 'consumer') return value
  throw invalid(`groupProtocol=${value}: give classic (any Kafka) or consumer (Kafka 4.0 or newer, KIP-848)`)
}

function parseAcks(value: string): -1 | 1 {
  if (value === 'all' || value === '-1') return -1
  if (value === '1') return 1
  throw invalid(
    `acks=${value}: give all (every replica in sync has it) or 1 (the leader has it, not idempotent)`,
  )
}

function parseCompression(value: string): CompressionName {
  const found = COMPRESSION_NAMES.find((name) => name === value)
  if (found !== undefined) return found
  throw invalid(`compression=${value}: give one of ${COMPRESSION_NAMES.join(', ')}`)
}

function positive(name: string, value: string): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number > 0 && number <= 0x7fffffff) return number
  throw invalid(`${name}=${value}: give a whole number of milliseconds above 0`)
}

function invalid(message: string): StreamError {
  return new StreamError('INVALID_ARGUMENT', message)
}

/** Without what may be a password. */
const hidden = (address: string): string => address.replace(/\/\/[^/@]*@/, '//…@')
