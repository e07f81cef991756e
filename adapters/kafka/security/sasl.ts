import { readFileSync } from 'node:fs'
import { StreamError } from '../../../src/driver.ts'
import type { KafkaAddress } from '../address.ts'
import type { SaslSettings } from '../wire/settings.ts'
import { type AwsCredentials, type AwsCredentialsProvider, iamTokens } from './iam.ts'
import { expiryOf, TokenSource } from './token-source.ts'

/**
 * What `connect(…, { credentials })` takes: a user and password, a token or what gives one, and for `msk:` AWS credentials or a
 * provider of them.
 */
export type KafkaCredentials =
  | { readonly username: string; readonly password: string }
  | { readonly token: string | (() => Promise<string>) }
  | AwsCredentials
  | AwsCredentialsProvider

const WITH_PASSWORD = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

/**
 * Authentication as the address, the environment (MILLRACE_KAFKA_USERNAME, _PASSWORD, _TOKEN, _TOKEN_FILE) and
 * `connect(…, { credentials })` say; the last wins. Undefined: none. INVALID_ARGUMENT, UNSUPPORTED.
 */
export function readSasl(address: KafkaAddress, credentials: unknown): SaslSettings | undefined {
  const { security, scheme } = address
  const given = (credentials ?? undefined) as KafkaCredentials | undefined
  const mechanism = security.get('sasl')?.toLowerCase() ?? defaultMechanism(address, given)
  if (mechanism === undefined) return undefined
  const withPassword = WITH_PASSWORD.find((name) => name === mechanism)
  if (withPassword !== undefined) {
    const own = typeof given === 'object' && 'username' in given ? given : undefined
    if (given !== undefined && own === undefined) throw unfit(mechanism, 'username and password')
    const username = own?.username ?? security.get('username') ?? process.env.MILLRACE_KAFKA_USERNAME
    const password = own?.password ?? process.env.MILLRACE_KAFKA_PASSWORD
    if (username !== undefined && password !== undefined)
      return { mechanism: withPassword, username, password }
    throw new StreamError(
      'INVALID_ARGUMENT',
      `sasl=${mechanism} needs a ${username === undefined ? 'user name' : 'password'}: give username=NAME in the address and ` +
        'MILLRACE_KAFKA_PASSWORD in the environment, or the option credentials: { username, password }',
    )
  }
  if (mechanism === 'oauthbearer') return { mechanism, token: bearerTokens(given).get }
  if (mechanism === 'iam' && scheme === 'msk') {
    return { mechanism: 'oauthbearer', token: iamTokens(iamOptions(address, given)).get }
  }
  throw new StreamError(
    'INVALID_ARGUMENT',
    `sasl=${mechanism}: give one of ${WITH_PASSWORD.join(', ')}, oauthbearer${scheme === 'msk' ? ', iam' : '; IAM is msk://'}`,
  )
}

function defaultMechanism(
  { scheme, security }: KafkaAddress,
  given: KafkaCredentials | undefined,
): string | undefined {
  if (typeof given === 'object' && 'token' in given) return 'oauthbearer'
  if (scheme === 'msk' && !(typeof given === 'object' && 'username' in given)) return 'iam'
  if (given === undefined && !security.has('username')) return undefined
  throw new StreamError(
    'INVALID_ARGUMENT',
    `credentials without a mechanism: add sasl=${WITH_PASSWORD.join(', ')} or oauthbearer to the address`,
  )
}

function bearerTokens(given: KafkaCredentials | undefined): TokenSource {
  const own = typeof given === 'object' && 'token' in given ? given.token : undefined
  if (given !== undefined && own === undefined) throw unfit('oauthbearer', 'a token')
  const file = process.env.MILLRACE_KAFKA_TOKEN_FILE
  // A file is read at each renewal: whoever keeps it fresh writes it anew.
  const source =
    own ?? process.env.MILLRACE_KAFKA_TOKEN ?? (file && (async () => readFileSync(file, 'utf8').trim()))
  if (source === undefined || source === '') {
    throw new StreamError(
      'INVALID_ARGUMENT',
      'sasl=oauthbearer needs a token: give the option credentials: { token }, a string or an async function, or ' +
        'MILLRACE_KAFKA_TOKEN or MILLRACE_KAFKA_TOKEN_FILE in the environment',
    )
  }
  return new TokenSource(async () => {
    const value = typeof source === 'string' ? source : await source()
    return { value, expiresAt: expiryOf(value) }
  })
}

function iamOptions({ security, seeds }: KafkaAddress, given: KafkaCredentials | undefined) {
  const region =
    security.get('region') ??
    // Amazon's own names have it: b-1.cluster.abc.c2.kafka.eu-west-1.amazonaws.com
    /\.kafka(?:-serverless)?\.([a-z0-9-]+)\.amazonaws\./.exec(seeds[0]?.host ?? '')?.[1] ??
    process.env.AWS_REGION ??
    process.env.AWS_DEFAULT_REGION
  if (region === undefined) {
    throw new StreamError('INVALID_ARGUMENT', 'msk: needs a region: add ?region=eu-west-1, or set AWS_REGION')
  }
  const isAws = typeof given === 'function' || (typeof given === 'object' && 'accessKeyId' in given)
  if (given !== undefined && !isAws) throw unfit('iam', 'AWS credentials or a provider of them')
  return {
    region,
    credentials: given as AwsCredentials | AwsCredentialsProvider | undefined,
    profile: security.get('profile'),
    role: security.get('role'),
    roleSessionName: security.get('roleSessionName') ?? 'millrace',
  }
}

function unfit(mechanism: string, wanted: string): StreamError {
  return new StreamError('INVALID_ARGUMENT', `sasl=${mechanism} takes ${wanted} for credentials: give those`)
}
