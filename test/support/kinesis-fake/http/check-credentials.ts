import type { IncomingHttpHeaders } from 'node:http'
import { ServiceError } from '../../aws-faults/service-error.ts'
import type { Service } from '../service.ts'

/** The request's key id and date are checked, its signature is not. Throws what the service says. */
export function checkCredentials({ settings, clock }: Service, headers: IncomingHttpHeaders): void {
  const { authorization } = headers
  if (authorization === undefined) {
    throw new ServiceError('MissingAuthenticationTokenException', 'Missing Authentication Token')
  }
  const keyId = authorization.match(/Credential=([^/]+)\//)?.[1]
  if (keyId === undefined) {
    throw new ServiceError(
      'IncompleteSignatureException',
      `Authorization header requires 'Credential' parameter. Authorization=${authorization}`,
    )
  }
  if (settings.accessKeyIds !== undefined && !settings.accessKeyIds.has(keyId)) {
    throw new ServiceError(
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    )
  }
  const date = headers['x-amz-date']
  if (typeof date !== 'string') return
  const sentMs = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  const nowMs = clock.now()
  if (Math.abs(nowMs - sentMs) <= settings.clockSkewMs) return
  throw new ServiceError(
    'InvalidSignatureException',
    sentMs < nowMs
      ? `Signature expired: ${date} is now earlier than ${amzDate(nowMs - settings.clockSkewMs)} (${amzDate(nowMs)} - 5 min.)`
      : `Signature not yet current: ${date} is still later than ${amzDate(nowMs + settings.clockSkewMs)} (${amzDate(nowMs)} + 5 min.)`,
  )
}

const amzDate = (ms: number): string => new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '')
