import { LineError } from './decode-line.ts'

/** A line's bytes without its line break, its number from 1, and where in the input the next one begins. */
export interface Line {
  readonly number: number
  readonly bytes: Uint8Array
  readonly end: number
}

export interface LinesOptions {
  /** A longer line is refused, for memory's sake. Bytes. */
  readonly maxLineBytes: number
  /** What was read before: the number of the last line, and its end. Default: nothing. */
  readonly after?: { readonly number: number; readonly end: number }
}

/**
 * Cuts a stream of bytes into lines, as many at once as each chunk completes. LF or CR LF; the last line needs neither. Throws
 * `LineError` with `line` set where one is too long, after the lines before it were given.
 */
export async function* splitLines(
  source: AsyncIterable<Uint8Array>,
  { maxLineBytes, after = { number: 0, end: 0 } }: LinesOptions,
): AsyncGenerator<Line[]> {
  let number = after.number
  let end = after.end
  let partial: Uint8Array[] = []
  let partialBytes = 0

  const finish = (tail: Uint8Array, breakBytes: 0 | 1): Line => {
    const bytes = partial.length === 0 ? tail : Buffer.concat([...partial, tail])
    partial = []
    partialBytes = 0
    number++
    end += bytes.length + breakBytes
    return { number, bytes: bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes, end }
  }

  for await (const chunk of source) {
    const lines: Line[] = []
    let start = 0
    for (let feed = chunk.indexOf(0x0a); feed >= 0; feed = chunk.indexOf(0x0a, start)) {
      lines.push(finish(chunk.subarray(start, feed), 1))
      start = feed + 1
    }
    if (lines.length > 0) yield lines
    if (start === chunk.length) continue
    partial.push(chunk.subarray(start))
    partialBytes += chunk.length - start
    if (partialBytes > maxLineBytes) {
      throw new LineError(`longer than ${maxLineBytes} bytes, which no record here is`, 'RECORD_TOO_LARGE')
    }
  }
  if (partialBytes > 0) yield [finish(new Uint8Array(), 0)]
}
