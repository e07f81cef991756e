import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Api } from '../../../adapters/kafka/wire/wire.ts'
import { openTestWire } from './kafka-driver.ts'
import { type Broker, startBroker } from './start-broker.ts'

const certificates = path.join(import.meta.dirname, 'certificates')

/** The path of one of the tests' PEM files. */
export const certificate = (name: string): string => path.join(certificates, name)

export const USER = { username: 'alice', password: 'wonder' }

const read = (name: string): string => readFileSync(certificate(name), 'utf8')
const OAUTH = 'org.apache.kafka.common.security.oauthbearer'
const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'

/**
 * A broker with listeners `MUTUAL` (TLS with a client certificate), `SASL` (PLAIN without TLS) and `SASLTLS` (PLAIN, SCRAM and
 * OAUTHBEARER, whose sessions last `sessionMs`; tokens are unsecured JWTs). Its user is `USER`.
 */
export async function startSecureBroker(sessionMs: number): Promise<Broker> {
  const broker = await startBroker({
    listeners: { MUTUAL: 'SSL', SASL: 'SASL_PLAINTEXT', SASLTLS: 'SASL_SSL' },
    files: [
      { content: read('broker.key') + read('broker.pem') + read('authority.pem'), target: '/tmp/broker.pem' },
      { content: read('authority.pem'), target: '/tmp/authority.pem' },
    ],
    environment: {
      KAFKA_SSL_KEYSTORE_TYPE: 'PEM',
      KAFKA_SSL_KEYSTORE_LOCATION: '/tmp/broker.pem',
      KAFKA_SSL_TRUSTSTORE_TYPE: 'PEM',
      KAFKA_SSL_TRUSTSTORE_LOCATION: '/tmp/authority.pem',
      KAFKA_LISTENER_NAME_MUTUAL_SSL_CLIENT_AUTH: 'required',
      KAFKA_LISTENER_NAME_SASL_SASL_ENABLED_MECHANISMS: 'PLAIN',
      KAFKA_LISTENER_NAME_SASL_PLAIN_SASL_JAAS_CONFIG: plain(),
      KAFKA_LISTENER_NAME_SASLTLS_SASL_ENABLED_MECHANISMS: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      KAFKA_LISTENER_NAME_SASLTLS_PLAIN_SASL_JAAS_CONFIG: plain(),
      KAFKA_LISTENER_NAME_SASLTLS_SCRAM___SHA___256_SASL_JAAS_CONFIG: SCRAM,
      KAFKA_LISTENER_NAME_SASLTLS_SCRAM___SHA___512_SASL_JAAS_CONFIG: SCRAM,
      KAFKA_LISTENER_NAME_SASLTLS_OAUTHBEARER_SASL_JAAS_CONFIG: `${OAUTH}.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
      KAFKA_LISTENER_NAME_SASLTLS_OAUTHBEARER_SASL_SERVER_CALLBACK_HANDLER_CLASS: `${OAUTH}.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler`,
      KAFKA_LISTENER_NAME_SASLTLS_OAUTHBEARER_CONNECTIONS_MAX_REAUTH_MS: String(sessionMs),
    },
  })
  await createScramUser(broker.address).catch(async (error) => {
    await broker.stop()
    throw error
  })
  return broker
}

const ITERATIONS = 4_096

/** Users of SCRAM are the cluster's own, https://kafka.apache.org/protocol#The_Messages_AlterUserScramCredentials */
async function createScramUser(address: string): Promise<void> {
  const alterUser: Api<{ readonly salt: Buffer; readonly mechanism: 1 | 2 }, readonly number[]> = {
    name: 'AlterUserScramCredentials',
    key: 51,
    version: 0,
    flexible: true,
    encode(to, { salt, mechanism }) {
      to.compactArray([], () => {})
      to.compactArray([mechanism], () => {
        const [length, digest] = mechanism === 1 ? ([32, 'sha256'] as const) : ([64, 'sha512'] as const)
        const salted = pbkdf2Sync(USER.password, salt, ITERATIONS, length, digest)
        to.compactString(USER.username).int8(mechanism).int32(ITERATIONS)
        to.uvarint(salt.length + 1).raw(salt)
        to.uvarint(salted.length + 1).raw(salted)
        to.tags()
      }).tags()
    },
    decode(from) {
      from.int32()
      return from.compactArray(() => {
        from.compactString()
        const errorCode = from.int16()
        from.nullableCompactString()
        from.tags()
        return errorCode
      })
    },
  }
  const wire = await openTestWire(address)
  const codes: number[] = []
  for (const mechanism of [1, 2] as const) {
    const request = { mechanism, salt: randomBytes(16) }
    codes.push(...(await wire.request({ kind: 'controller' }, alterUser, request)))
  }
  await wire.close()
  if (codes.some((code) => code !== 0)) throw new Error(`no SCRAM user: ${codes}`)
}

function plain(): string {
  return `org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER.username}="${USER.password}";`
}

/** A JSON Web Token that nobody has signed, for `OAuthBearerUnsecuredValidatorCallbackHandler`. */
export function unsecuredToken(lifetimeMs: number): string {
  const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url')
  const now = Date.now() / 1000
  return `${part({ alg: 'none' })}.${part({ sub: 'alice', iat: now, exp: now + lifetimeMs / 1000 })}.`
}
