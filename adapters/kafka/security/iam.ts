import { createRequire } from 'node:module'
import { StreamError } from '../../../src/driver.ts'
import { type Token, TokenSource } from './token-source.ts'

/** As the AWS SDK has them. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

export type AwsCredentialsProvider = () => Promise<AwsCredentials>

export interface IamOptions {
  readonly region: string
  /** The caller's own. Default: those of `role`, `profile` or the SDK's default chain, the first that is given. */
  readonly credentials: AwsCredentials | AwsCredentialsProvider | undefined
  readonly profile: string | undefined
  readonly role: string | undefined
  /** Kept the same through all renewals: a session may not change its principal. */
  readonly roleSessionName: string
}

interface Signer {
  generateAuthTokenFromCredentialsProvider(options: {
    region: string
    awsCredentialsProvider: AwsCredentialsProvider
  }): Promise<{ token: string; expiryTime: number }>
}

interface Providers {
  getCredentialsFromProfile(profile: string): AwsCredentialsProvider
  getCredentialsFromRole(region: string, role: string, sessionName: string): AwsCredentialsProvider
  getDefaultCredentials(options: { region: string }): AwsCredentialsProvider
}

/** Credentials with less left are asked for anew. */
const CREDENTIALS_AHEAD_MS = 5 * 60_000

/** Tokens of IAM for Amazon MSK, by AWS's own signer. Rejects UNSUPPORTED where it is not installed, PERMISSION_DENIED without credentials. */
export function iamTokens(options: IamOptions): TokenSource {
  const { signer, providers } = loadSigner()
  const credentials = memoized(providerOf(options, providers))
  return new TokenSource(async (): Promise<Token> => {
    const { expiration, ...plain } = await credentials()
    if (expiration !== undefined && expiration.getTime() <= Date.now()) {
      throw new StreamError(
        'PERMISSION_DENIED',
        `the AWS credentials expired at ${expiration.toISOString()}: renew them (aws sso login, or a new session)`,
      )
    }
    // Without the expiration: the signer would ask for a token of a fraction of seconds, which the service refuses.
    const { token, expiryTime } = await signer.generateAuthTokenFromCredentialsProvider({
      region: options.region,
      awsCredentialsProvider: async () => plain,
    })
    return { value: token, expiresAt: Math.min(expiryTime, expiration?.getTime() ?? expiryTime) }
  })
}

function providerOf(options: IamOptions, providers: Providers): AwsCredentialsProvider {
  const { credentials, region, role, roleSessionName, profile } = options
  if (typeof credentials === 'function') return credentials
  if (credentials !== undefined) return async () => credentials
  if (role !== undefined) return providers.getCredentialsFromRole(region, role, roleSessionName)
  if (profile !== undefined) return providers.getCredentialsFromProfile(profile)
  return providers.getDefaultCredentials({ region })
}

/** Asks once, and again only near the end: a role must not be assumed for each token. */
function memoized(provider: AwsCredentialsProvider): AwsCredentialsProvider {
  let known: AwsCredentials | undefined
  return async () => {
    const until = known?.expiration?.getTime() ?? Number.POSITIVE_INFINITY
    if (known !== undefined && Date.now() < until - CREDENTIALS_AHEAD_MS) return known
    known = await provider()
    return known
  }
}

function loadSigner(): { signer: Signer; providers: Providers } {
  const require = createRequire(import.meta.url)
  try {
    return {
      signer: require('aws-msk-iam-sasl-signer-js'),
      providers: require('aws-msk-iam-sasl-signer-js/dist/mskCredentialProvider.js'),
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause
    throw new StreamError(
      'UNSUPPORTED',
      'msk:// needs the package aws-msk-iam-sasl-signer-js: npm install aws-msk-iam-sasl-signer-js',
      { cause },
    )
  }
}
