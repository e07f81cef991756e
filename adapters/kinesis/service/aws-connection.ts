import type { AwsCredentialIdentity, AwsCredentialIdentityProvider } from '@smithy/types'
import { StreamError } from '../../../src/driver.ts'
import type { KinesisAddress } from '../address.ts'
import { classify } from '../classify.ts'

/** As the AWS SDK has them; `connect` takes either for `credentials`. */
export type AwsCredentials = AwsCredentialIdentity | AwsCredentialIdentityProvider

/** What every client of the SDK is given: one of Kinesis or one of DynamoDB alike. Absent is the SDK's own default. */
export interface AwsConnection {
  readonly region?: string
  readonly credentials?: AwsCredentials
  readonly profile?: string
}

/**
 * Whose requests these are: the caller's own credentials, those of the address's role or profile, or the SDK's default chain.
 * Rejects INVALID_ARGUMENT for what are no credentials, UNSUPPORTED where a role is to be assumed and its package is not installed.
 */
export async function awsConnection(address: KinesisAddress, given: unknown): Promise<AwsConnection> {
  const { region, role, profile } = address
  const credentials =
    given === undefined || given === null
      ? role === undefined
        ? undefined
        : await credentialsOfRole(role, profile, region)
      : checked(given)
  return {
    ...(region === undefined ? {} : { region }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(profile === undefined ? {} : { profile }),
  }
}

function checked(given: unknown): AwsCredentials {
  if (typeof given === 'function') return given as AwsCredentialIdentityProvider
  const { accessKeyId, secretAccessKey } = given as Partial<AwsCredentialIdentity>
  if (typeof accessKeyId === 'string' && typeof secretAccessKey === 'string') {
    return given as AwsCredentialIdentity
  }
  throw new StreamError(
    'INVALID_ARGUMENT',
    'credentials for Kinesis are { accessKeyId, secretAccessKey, sessionToken? } or a provider of them: give one of these, or leave them out for the default chain',
  )
}

async function credentialsOfRole(
  role: string,
  profile: string | undefined,
  region: string | undefined,
): Promise<AwsCredentials> {
  try {
    const { fromTemporaryCredentials, fromNodeProviderChain } = await import('@aws-sdk/credential-providers')
    const assume = fromTemporaryCredentials({
      params: { RoleArn: role, RoleSessionName: 'millrace' },
      ...(profile === undefined ? {} : { masterCredentials: fromNodeProviderChain({ profile }) }),
      ...(region === undefined ? {} : { clientConfig: { region } }),
    })
    return (identity) => assume(identity).catch((error) => Promise.reject(notAssumed(role, error)))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new StreamError(
      'UNSUPPORTED',
      'role= needs the package @aws-sdk/credential-providers: npm install @aws-sdk/credential-providers',
      { cause },
    )
  }
}

/** Else it would read as if the streams had refused it. */
function notAssumed(role: string, error: unknown): StreamError {
  const { code, message, retryable } = classify(error)
  return new StreamError(
    code,
    `the role ${role} cannot be assumed (${message}): look whether its trust policy names whose credentials these are, whether they may call sts:AssumeRole, and whether STS can be reached (AWS_ENDPOINT_URL_STS names another one)`,
    { cause: error, retryable },
  )
}
