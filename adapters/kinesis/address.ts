import { StreamError } from '../../src/driver.ts'

/** Where a group's leases are kept. */
export type LeasesAddress =
  /** A DynamoDB table; undefined: one named by the group. */
  | { readonly store: 'dynamodb'; readonly table: string | undefined }
  /** A store of millrace's own: `log:DIR` or `memory:NAME`. */
  | { readonly store: 'local'; readonly address: string }

/** A parsed address of Kinesis in one region. */
export interface KinesisAddress {
  /** Undefined: the SDK's (AWS_REGION, the profile). */
  readonly region: string | undefined
  /** Undefined: AWS's own in that region. */
  readonly endpoint: string | undefined
  readonly leases: LeasesAddress
  /** Of DynamoDB. Default: `endpoint`. */
  readonly leasesEndpoint: string | undefined
  /** The name of the consumer that reads by enhanced fan-out; undefined: by polling. */
  readonly fanout: string | undefined
  /** What to do where fan-out cannot be had. */
  readonly fallback: 'polling' | undefined
  /** Records travel in KPL's aggregates. */
  readonly aggregate: boolean
  /** How long a record waits for others to be aggregated with. Milliseconds. */
  readonly lingerMs: number
  /** Producers number their records, consumers drop what comes twice. Wants `aggregate`. */
  readonly dedupe: boolean
  /** `relaxed`: requests of a shard need not wait for each other, so keys may be reordered by failures. */
  readonly order: 'strict' | 'relaxed'
  readonly profile: string | undefined
  /** To assume. */
  readonly role: string | undefined
  /** A record that could not be written for so long is given up. Milliseconds. */
  readonly deliveryTimeoutMs: number
  /** Of one request. Milliseconds. */
  readonly requestTimeoutMs: number
}

const PARAMETERS = [
  'aggregate',
  'dedupe',
  'deliveryTimeoutMs',
  'endpoint',
  'fallback',
  'fanout',
  'leases',
  'leasesEndpoint',
  'lingerMs',
  'order',
  'profile',
  'requestTimeoutMs',
  'role',
]

/**
 * Parses `kinesis://REGION?endpoint=…&leases=…`. A path is left to whoever names topics. Values are decoded as in any URL.
 * INVALID_ARGUMENT.
 */
export function parseAddress(address: string): KinesisAddress {
  const match = /^kinesis:\/\/([^/?#]*)(?:\/[^?#]*)?(?:\?(.*))?$/s.exec(address)
  const region = match?.[1] ?? ''
  if (match === null || region.includes('@')) {
    throw invalid(
      "this is no address of Kinesis (and never put keys into one, as they end in logs): write kinesis://eu-west-1, and give credentials by the environment, profile=NAME, role=ARN or connect's option credentials",
    )
  }
  if (!/^[a-z0-9-]*$/.test(region)) {
    throw invalid(
      `'${region}' is no region of AWS: write kinesis://eu-west-1, and endpoint=http://host:port for another endpoint`,
    )
  }
  const parameters = new Map(new URLSearchParams(match[2] ?? ''))
  const unknown = [...parameters.keys()].find((name) => !PARAMETERS.includes(name))
  if (unknown !== undefined) {
    throw invalid(
      `'${address}' has the unknown parameter ${unknown}: kinesis: knows ${PARAMETERS.join(', ')}`,
    )
  }
  const fanout = named(parameters, 'fanout', /^[a-zA-Z0-9_.-]{1,128}$/)
  const aggregate = flag(parameters, 'aggregate')
  return {
    region: region === '' ? undefined : region,
    endpoint: url(parameters, 'endpoint'),
    leases: parseLeases(parameters.get('leases')),
    leasesEndpoint: url(parameters, 'leasesEndpoint'),
    fanout,
    fallback: parseFallback(parameters.get('fallback'), fanout),
    aggregate,
    lingerMs: count('lingerMs', parameters.get('lingerMs') ?? '100', 0),
    dedupe: flag(parameters, 'dedupe'),
    order: parseOrder(parameters.get('order') ?? 'strict'),
    profile: named(parameters, 'profile', /^.+$/),
    role: named(parameters, 'role', /^arn:.+$/),
    deliveryTimeoutMs: count('deliveryTimeoutMs', parameters.get('deliveryTimeoutMs') ?? '120000', 1),
    requestTimeoutMs: count('requestTimeoutMs', parameters.get('requestTimeoutMs') ?? '10000', 1),
  }
}

function parseLeases(value: string | undefined): LeasesAddress {
  if (value === undefined) return { store: 'dynamodb', table: undefined }
  if (/^(log|memory):./.test(value)) return { store: 'local', address: value }
  if (/^[a-zA-Z0-9_.-]{3,255}$/.test(value)) return { store: 'dynamodb', table: value }
  throw invalid(
    `leases=${value}: give the name of a DynamoDB table (3 to 255 of A-Z a-z 0-9 _ . -), log:DIR or memory:NAME`,
  )
}

function parseFallback(value: string | undefined, fanout: string | undefined): 'polling' | undefined {
  if (value === undefined) return undefined
  if (value !== 'polling') throw invalid(`fallback=${value}: give polling, or leave it out`)
  if (fanout === undefined) throw invalid('fallback=polling is for fan-out: add fanout=NAME, or leave it out')
  return value
}

function parseOrder(value: string): 'strict' | 'relaxed' {
  if (value === 'strict' || value === 'relaxed') return value
  throw invalid(
    `order=${value}: give strict (a key's records in order, always) or relaxed (in order unless a write fails in part)`,
  )
}

function url(parameters: ReadonlyMap<string, string>, name: string): string | undefined {
  const value = parameters.get(name)
  if (value === undefined) return undefined
  const parsed = URL.canParse(value) ? new URL(value) : undefined
  if (parsed === undefined || !/^https?:$/.test(parsed.protocol) || parsed.username !== '') {
    throw invalid(`${name}=${value}: give a URL, as in http://127.0.0.1:4566`)
  }
  return value
}

function named(parameters: ReadonlyMap<string, string>, name: string, form: RegExp): string | undefined {
  const value = parameters.get(name)
  if (value === undefined || form.test(value)) return value
  throw invalid(`${name}=${value}: that is no ${name}, give one of the form ${form.source}`)
}

function flag(parameters: ReadonlyMap<string, string>, name: string): boolean {
  const value = parameters.get(name) ?? 'false'
  if (value === 'true' || value === 'false') return value === 'true'
  throw invalid(`${name}=${value}: give true or false`)
}

function count(name: string, value: string, least: number): number {
  const number = Number(value)
  if (value !== '' && Number.isSafeInteger(number) && number >= least && number <= 0x7fffffff) return number
  throw invalid(`${name}=${value}: give a whole number of milliseconds, ${least} or more`)
}

function invalid(message: string): StreamError {
  return new StreamError('INVALID_ARGUMENT', message)
}
