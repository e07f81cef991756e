/**
 * Finds the source text of parts of a JSON text, because `JSON.parse` loses some of it (numbers beyond double precision,
 * white space, repeated members) and a record's bytes must survive. Works on texts that `JSON.parse` has accepted.
 */

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** The members of the object that `text` is, as source text; undefined where it is none. The last of a repeated name counts. */
export function rawMembers(text: string): Map<string, string> | undefined {
  let at = skipSpace(text, 0)
  if (text[at] !== '{') return undefined
  const members = new Map<string, string>()
  at = skipSpace(text, at + 1)
  while (text[at] !== '}') {
    const nameEnd = skipString(text, at)
    const name = JSON.parse(text.slice(at, nameEnd)) as string
    const start = skipSpace(text, skipSpace(text, nameEnd) + 1) // past the colon
    const end = skipValue(text, start)
    members.set(name, text.slice(start, end))
    at = skipSpace(text, end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
  return members
}

/** Source text at a dotted path, `customer.id`; undefined where there is nothing. A member whose own name has the dots wins. */
export function rawAt(text: string, path: string): string | undefined {
  const members = rawMembers(text)
  if (members === undefined) return undefined
  const whole = members.get(path)
  if (whole !== undefined) return whole
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const inner = members.get(path.slice(0, dot))
    const found = inner === undefined ? undefined : rawAt(inner, path.slice(dot + 1))
    if (found !== undefined) return found
  }
  return undefined
}

function skipValue(text: string, start: number): number {
  const first = text.charCodeAt(start)
  if (first === QUOTE) return skipString(text, start)
  if (first !== 0x7b && first !== 0x5b) {
    let at = start
    while (at < text.length && !isEnd(text.charCodeAt(at))) at++
    return at
  }
  let depth = 0
  for (let at = start; ; ) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = skipString(text, at)
      continue
    }
    if (code === 0x7b || code === 0x5b) depth++
    else if ((code === 0x7d || code === 0x5d) && --depth === 0) return at + 1
    at++
  }
}

function skipString(text: string, start: number): number {
  for (let at = start + 1; ; ) {
    const end = text.indexOf('"', at)
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end + 1
    at = end + 1
  }
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d
}

function isEnd(code: number): boolean {
  return isSpace(code) || code === 0x2c || code === 0x7d || code === 0x5d
}
