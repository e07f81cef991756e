import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface StsFake extends AsyncDisposable {
  readonly endpoint: string
  /** What AssumeRole was asked for, one after another, with whose key. */
  readonly asked: { readonly role: string; readonly session: string; readonly accessKeyId: string }[]
}

export interface StsFakeOptions {
  /** Of the credentials that are given out, the first time, the second and so on; the last again and again. */
  readonly lifeMs?: readonly number[]
  /** Refuses the role. */
  readonly refuses?: boolean
}

/** AssumeRole alone, as the service's query protocol has it. Keys that are given out: ASIAROLE1, ASIAROLE2 … */
export async function startStsFake({
  lifeMs = [3_600_000],
  refuses = false,
}: StsFakeOptions = {}): Promise<StsFake> {
  const asked: StsFake['asked'] = []
  const server = createServer(async (request, response) => {
    const body = new URLSearchParams(await text(request))
    const accessKeyId = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? ''
    const role = body.get('RoleArn') ?? ''
    asked.push({ role, session: body.get('RoleSessionName') ?? '', accessKeyId })
    response.setHeader('content-type', 'text/xml')
    if (body.get('Action') !== 'AssumeRole' || refuses) {
      const message = `User: arn:aws:iam::000000000000:user/me is not authorized to perform: sts:AssumeRole on resource: ${role}`
      response.writeHead(403).end(failure('AccessDenied', message))
      return
    }
    const life = lifeMs[Math.min(asked.length, lifeMs.length) - 1]!
    response.end(assumed(role, `ASIAROLE${asked.length}`, new Date(Date.now() + life)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

const assumed = (role: string, accessKeyId: string, expiration: Date): string =>
  `<AssumeRoleResponse xmlns="${NAMESPACE}"><AssumeRoleResult>
    <AssumedRoleUser><AssumedRoleId>AROA:millrace</AssumedRoleId><Arn>${role}</Arn></AssumedRoleUser>
    <Credentials><AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
    <SessionToken>token</SessionToken><Expiration>${expiration.toISOString()}</Expiration></Credentials>
  </AssumeRoleResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleResponse>`

const failure = (code: string, message: string): string =>
  `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>
  <RequestId>1</RequestId></ErrorResponse>`
