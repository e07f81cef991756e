import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitLines } from '../../../../src/tools/json-lines/lines.ts'
import {
  type NumberedRecord,
  type ReadRecordsOptions,
  readRecords,
} from '../../../../src/tools/json-lines/read-records.ts'

async function* chunked(data: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (let i = 0; at < data.length; i++) {
    const size = sizes[i % sizes.length]!
    yield data.subarray(at, at + size)
    at += size
  }
}

async function read(text: string | Uint8Array, options: ReadRecordsOptions = {}): Promise<NumberedRecord[]> {
  const records: NumberedRecord[] = []
  const source = chunked(typeof text === 'string' ? Buffer.from(text) : text, [1 << 20])
  for await (const some of readRecords(source, options)) records.push(...some)
  return records
}

const shown = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString()

test('lines are the same however the input is cut', async () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '😀', ' '), maxLength: 8 }), {
    minLength: 1,
  })
  await fc.assert(
    fc.asyncProperty(
      lines,
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
      async (given, sizes) => {
        const data = Buffer.from(given.map((line) => `${line}\n`).join(''))
        const found: string[] = []
        for await (const some of splitLines(chunked(data, sizes), { maxLineBytes: 1_000 })) {
          for (const { bytes, number, end } of some) {
            found.push(Buffer.from(bytes).toString())
            expect(number).toBe(found.length)
            expect(data.subarray(0, end).toString().split('\n')).toHaveLength(number + 1)
          }
        }
        expect(found).toEqual(given)
      },
    ),
  )
})

describe('lines', () => {
  test('end in LF, CR LF or not at all; empty ones count but are no records', async () => {
    const records = await read('\ufeff{"value":1}\r\n\n  \n{"value":2}\n{"value":3}')
    expect(records.map(({ line, value }) => [line, shown(value)])).toEqual([
      [1, '1'],
      [4, '2'],
      [5, '3'],
    ])
  })

  test('may be skipped', async () => {
    expect((await read('x\n{"value":2}\n', { skipLines: 1 })).map(({ line }) => line)).toEqual([2])
  })

  test('too long ones are refused by number', async () => {
    const long = `{"value":1}\n"${'x'.repeat(3_000_000)}"`
    await expect(read(long, { maxLineBytes: 1_000 })).rejects.toThrow(/^line 2: longer than 1000 bytes/)
    await expect(read(long.slice(12), { maxLineBytes: 1_000 })).rejects.toThrow(
      /^line 1: longer than 1000 bytes/,
    )
  })

  test('that are no UTF-8 are refused by number', async () => {
    await expect(read(Buffer.from([0x31, 0x0a, 0x22, 0xff, 0x22, 0x0a]))).rejects.toThrow(
      /^line 2: not UTF-8/,
    )
  })

  test('what stands before a bad one is given', async () => {
    const given: number[] = []
    const reading = (async () => {
      for await (const some of readRecords(chunked(Buffer.from('1\n2\n{\n'), [100]))) {
        given.push(...some.map(({ line }) => line))
      }
    })()
    await expect(reading).rejects.toMatchObject({
      line: 3,
      code: 'INVALID_ARGUMENT',
      message: /^line 3: not JSON/,
    })
    expect(given).toEqual([1, 2])
  })
})

describe('records or values', () => {
  test('the first line decides', async () => {
    const modes: string[] = []
    const onMode = (mode: string): void => void modes.push(mode)
    expect(shown((await read('{"value":21.5}\n', { onMode }))[0]!.value)).toBe('21.5')
    expect(shown((await read('{"value":21.5,"sensor":"a"}\n', { onMode }))[0]!.value)).toBe(
      '{"value":21.5,"sensor":"a"}',
    )
    expect(shown((await read(' [1] \n', { onMode }))[0]!.value)).toBe('[1]')
    expect(modes).toEqual(['records', 'values', 'values'])
  })

  test('later lines must be of the same kind', async () => {
    await expect(read('{"value":1}\n{"a":1}\n')).rejects.toThrow(
      /^line 2: "a" is no member of a record.*--values/,
    )
    await expect(read('{"a":1}\n{"value":1}\n')).rejects.toThrow(
      /^line 2: looks like a record.*--records or --values/,
    )
  })

  test('unless told', async () => {
    const records = await read('{"a":1}\n{"value":1}\n', { mode: 'values' })
    expect(records.map(({ value }) => shown(value))).toEqual(['{"a":1}', '{"value":1}'])
    await expect(read('{"a":1}\n', { mode: 'records' })).rejects.toThrow(/^line 1: "a" is no member/)
  })
})

describe('paths', () => {
  test.each([
    ['{"customer":{"id":"c1"}}', 'customer.id', 'c1'],
    ['{"customer.id":"flat","customer":{"id":"c1"}}', 'customer.id', 'flat'],
    ['{"a.b":{"c":1}}', 'a.b.c', '1'],
    ['{"id":12345678901234567890}', 'id', '12345678901234567890'],
    ['{"id":1.0}', 'id', '1.0'],
    ['{"id":true}', 'id', 'true'],
    ['{"id":""}', 'id', ''],
    ['{"id":"a\\"\\\\"}', 'id', 'a"\\'],
    ['{"s":"\\"id\\":1}","id":"x"}', 'id', 'x'],
  ])('%s at %s', async (line, keyPath, key) => {
    expect(shown((await read(line, { keyPath, mode: 'values' }))[0]!.key)).toBe(key)
  })

  test.each([
    ['{"a":1}', 'id', /line 1: the value has no "id"/],
    ['{"id":null}', 'id', /null for "id"/],
    ['{"id":{}}', 'id', /object or array/],
    ['"text"', 'id', /no "id"/],
  ])('refuses %s at %s', async (line, keyPath, message) => {
    await expect(read(line, { keyPath, mode: 'values' })).rejects.toThrow(message)
  })

  test('look into the value of a record and override its key', async () => {
    const [record] = await read('{"key":"old","value":{"id":"new","at":"2018-01-31"}}', {
      keyPath: 'id',
      timestampPath: 'at',
    })
    expect(shown(record!.key)).toBe('new')
    expect(record!.timestamp).toBe(Date.UTC(2018, 0, 31))
  })

  test('a tombstone keeps its key', async () => {
    const lines = '{"key":"old","tombstone":true}'
    expect(shown((await read(lines, { keyPath: 'id' }))[0]!.key)).toBe('old')
    await expect(read('{"tombstone":true}', { keyPath: 'id' })).rejects.toThrow(/tombstone without a "key"/)
  })
})
