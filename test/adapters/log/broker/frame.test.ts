import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Frame, FrameReader, writeFrame } from '../../../../adapters/log/holder/frame.ts'

describe('frames', () => {
  it('come out as they went in, however the bytes are cut', () => {
    const frame = fc.record({
      text: fc.string(),
      payload: fc.option(fc.uint8Array({ minLength: 1, maxLength: 300 })),
    })
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 6 }),
        fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 }),
        (frames, cuts) => {
          const written: Buffer[] = []
          const sink = { cork() {}, uncork() {}, write: (bytes: Buffer) => written.push(bytes) }
          for (const { text, payload } of frames) {
            writeFrame(sink, { text }, payload === null ? undefined : Buffer.from(payload))
          }
          const bytes = Buffer.concat(written)
          const seen: Frame[] = []
          const reader = new FrameReader((one) => seen.push(one))
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = cuts[i % cuts.length]!
            reader.push(bytes.subarray(at, at + size))
            at += size
          }
          expect(seen.map(({ header, payload }) => [header.text, payload && Buffer.from(payload)])).toEqual(
            frames.map(({ text, payload }) => [text, payload === null ? undefined : Buffer.from(payload)]),
          )
        },
      ),
    )
  })
})
