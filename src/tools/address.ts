import { StreamError } from '../index.ts'

/** A stream named by one string: the backend that `connect` takes, and the topic. */
export interface TopicAddress {
  readonly backend: string
  readonly topic: string
}

const SCHEMES: Readonly<Record<string, string>> = {
  log: 'log:./data',
  memory: 'memory:',
  kafka: 'kafka://host:9092',
  msk: 'msk://host:9098',
  kinesis: 'kinesis://eu-west-1',
}

/**
 * Whether the text is meant as an address, not as a file: it begins with a scheme. A single letter is a Windows drive.
 * An address of an unknown scheme is one too, so that a typing error does not become a file.
 */
export function isAddress(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+-]+:/.test(text)
}

/** Takes the whole for the backend, after a look at its scheme. Throws INVALID_ARGUMENT. */
export function backendAddress(address: string): string {
  const scheme = /^([A-Za-z][A-Za-z0-9+-]+):/.exec(address)?.[1]
  const known = 'Known are log:DIR, memory:, kafka://HOST:PORT, msk://HOST:PORT and kinesis://REGION.'
  if (scheme === undefined) {
    const hint = address === '' ? '' : ` A log in that directory is "log:${address}".`
    throw new StreamError('INVALID_ARGUMENT', `"${address}" is no address: it has no scheme.${hint} ${known}`)
  }
  if (!(scheme in SCHEMES)) {
    throw new StreamError('INVALID_ARGUMENT', `unknown scheme "${scheme}:" in "${address}". ${known}`)
  }
  if (isRemote(scheme) && !/^[^:]+:\/\/[^/?]/.test(address)) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `"${address}" names no ${scheme === 'kinesis' ? 'region' : 'host'}. Write ${SCHEMES[scheme]}.`,
    )
  }
  return address
}

/**
 * Takes the last path segment for the topic; a query stays with the backend: `kinesis://eu-west-1/orders?leases=table` is
 * `orders` on `kinesis://eu-west-1?leases=table`. Throws INVALID_ARGUMENT.
 */
export function topicAddress(address: string): TopicAddress {
  backendAddress(address)
  const query = address.indexOf('?')
  const path = query < 0 ? address : address.slice(0, query)
  const rest = query < 0 ? '' : address.slice(query)
  const scheme = path.slice(0, path.indexOf(':'))
  const start = isRemote(scheme) ? `${scheme}://`.length : `${scheme}:`.length
  const slash = Math.max(path.lastIndexOf('/'), process.platform === 'win32' ? path.lastIndexOf('\\') : -1)

  const topic = isRemote(scheme) && slash < start ? '' : path.slice(Math.max(slash + 1, start))
  if (topic === '' || topic === '.' || topic === '..') {
    const example = joinAddress(`${isRemote(scheme) ? path.replace(/\/+$/, '') : path}${rest}`, 'TOPIC')
    throw new StreamError('INVALID_ARGUMENT', `"${address}" names no topic. Write ${example}.`)
  }
  if (!/^[A-Za-z0-9._-]{1,249}$/.test(topic)) {
    throw new StreamError(
      'INVALID_ARGUMENT',
      `"${topic}" in "${address}" is no topic name: use 1 to 249 of the characters A-Z a-z 0-9 . _ -`,
    )
  }
  return { backend: `${backendPath(path, scheme, slash, start)}${rest}`, topic }
}

function backendPath(path: string, scheme: string, slash: number, start: number): string {
  if (slash < start) return scheme === 'log' ? 'log:.' : `${scheme}:` // `log:orders` lies in the current directory
  if (slash === start) return scheme === 'log' ? path.slice(0, slash + 1) : `${scheme}:` // `log:/orders` in the root
  return path.slice(0, slash)
}

function isRemote(scheme: string): boolean {
  return scheme === 'kafka' || scheme === 'msk' || scheme === 'kinesis'
}

/** The address of a topic as people write it; the inverse of `topicAddress`. */
export function joinAddress(backend: string, topic: string): string {
  const query = backend.indexOf('?')
  const path = query < 0 ? backend : backend.slice(0, query)
  const joint = path.endsWith('/') || path.endsWith(':') ? '' : '/'
  return `${path}${joint}${topic}${query < 0 ? '' : backend.slice(query)}`
}
