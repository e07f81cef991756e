import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameReader } from '../../../../adapters/kafka/wire/frame-reader.ts'

function frame(id: number, body: Uint8Array): Buffer {
  const bytes = Buffer.alloc(8 + body.length)
  bytes.writeInt32BE(4 + body.length)
  bytes.writeInt32BE(id, 4)
  bytes.set(body, 8)
  return bytes
}

/** As a plain socket does it: what comes is written into the space that the reader gives. */
function write(reader: FrameReader, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) {
    const { space } = reader
    const size = bytes.copy(space, 0, at, Math.min(bytes.length, at + space.length))
    reader.wrote(size)
    at += size
  }
}

const anyBody = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.nat(200_000).map((size) => new Uint8Array(size).fill(size)),
)

test('answers are cut out of the stream wherever it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(anyBody, { maxLength: 8 }),
      fc.array(fc.oneof(fc.nat(20), fc.nat(100_000)), { maxLength: 20 }),
      fc.boolean(),
      (bodies, sizes, inPlace) => {
        const got: (readonly [number, Buffer])[] = []
        const reader = new FrameReader((id, answer) => got.push([id, answer]))
        const stream = Buffer.concat(bodies.map((body, id) => frame(id, body)))
        let at = 0
        for (const size of [...sizes, stream.length]) {
          const chunk = stream.subarray(at, (at += size))
          if (inPlace) write(reader, chunk)
          else reader.push(chunk)
        }
        expect(got.map(([id]) => id)).toEqual(bodies.map((_, id) => id))
        for (const [id, answer] of got) expect(answer.equals(bodies[id]!)).toBe(true)
      },
    ),
    { numRuns: 60 },
  )
})

test.each([
  ['a TLS alert', [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]],
  ['an HTTP response', [...Buffer.from('HTTP/1.1 400')]],
  ['a length below that of an id', [0, 0, 0, 3, 1, 1, 1]],
  ['a negative length', [0xff, 0xff, 0xff, 0xff, 1]],
])('%s is no answer', (_, bytes) => {
  const reader = new FrameReader(() => expect.unreachable())
  expect(() => reader.push(Buffer.from(bytes))).toThrow(/an answer of \d+ bytes/)
})
