import { readFileSync } from 'node:fs'
import { StreamError } from '../../../src/driver.ts'
import type { TlsSettings } from '../wire/settings.ts'

const IMPLIED_BY = ['ca', 'cert', 'key', 'servername', 'insecure']
const OPTIONS = ['ca', 'cert', 'key', 'passphrase', 'servername', 'rejectUnauthorized']

/**
 * TLS as the address and `connect(…, { tls })` say. Undefined: none. Certificates are checked unless `insecure=true` or
 * `rejectUnauthorized: false` says otherwise. INVALID_ARGUMENT.
 */
export function readTls(
  parameters: ReadonlyMap<string, string>,
  option: unknown,
  required: boolean,
): TlsSettings | undefined {
  const own = readOption(option)
  const asked = parameters.get('tls')
  if (asked !== undefined && asked !== 'true' && asked !== 'false') {
    throw new StreamError('INVALID_ARGUMENT', `tls=${asked}: give true or false`)
  }
  const implied = IMPLIED_BY.find((name) => parameters.has(name))
  const off = asked === 'false' || own === false
  if (off && required) throw new StreamError('INVALID_ARGUMENT', 'msk: is always TLS: leave tls=false out')
  if (off) {
    if (implied === undefined) return undefined
    throw new StreamError('INVALID_ARGUMENT', `tls=false and ${implied}: leave one of them out`)
  }
  if (!required && asked === undefined && implied === undefined && own === undefined) return undefined
  const insecure = parameters.get('insecure') ?? 'false'
  if (insecure !== 'true' && insecure !== 'false') {
    throw new StreamError('INVALID_ARGUMENT', `insecure=${insecure}: give true or false`)
  }
  const servername = parameters.get('servername')
  const passphrase = process.env.MILLRACE_KAFKA_KEY_PASSPHRASE
  return {
    ...readFileParameter(parameters, 'ca'),
    ...readFileParameter(parameters, 'cert'),
    ...readFileParameter(parameters, 'key'),
    ...(servername === undefined ? {} : { servername }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(insecure === 'true' ? { rejectUnauthorized: false } : {}),
    ...(typeof own === 'object' ? own : {}),
  }
}

function readOption(option: unknown): TlsSettings | boolean | undefined {
  if (option === undefined || typeof option === 'boolean') return option
  if (typeof option !== 'object' || option === null) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `tls ${String(option)}: give true, false or { ${OPTIONS.join(', ')} }`,
    )
  }
  const unknown = Object.keys(option).find((name) => !OPTIONS.includes(name))
  if (unknown === undefined) return option
  throw new StreamError('INVALID_ARGUMENT', `tls has no ${unknown}: give ${OPTIONS.join(', ')}`)
}

function readFileParameter(
  parameters: ReadonlyMap<string, string>,
  name: 'ca' | 'cert' | 'key',
): Partial<TlsSettings> {
  const file = parameters.get(name)
  if (file === undefined) return {}
  try {
    return { [name]: readFileSync(file) }
  } catch (cause) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `${name}=${file} cannot be read (${(cause as Error).message}): give a PEM file`,
      { cause },
    )
  }
}
