import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeLine } from '../../../../src/tools/json-lines/decode-line.ts'
import { encodeLine } from '../../../../src/tools/json-lines/encode-line.ts'
import type { LineRecord } from '../../../../src/tools/json-lines/line-record.ts'

const plain: LineRecord = {
  key: null,
  value: null,
  headers: [],
  timestamp: undefined,
  partition: undefined,
  position: undefined,
}

const bytes = fc.uint8Array({ maxLength: 40 }).map((each) => Buffer.from(each))
const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((each) => !/\p{Surrogate}/u.test(each))
const utf8 = text.map((each) => Buffer.from(each))
/** JSON as others write it: spaces, numbers beyond a double, line breaks, repeated members. */
const json = fc
  .tuple(
    fc.json(),
    fc.constantFrom('', ' ', '\t', '\n', '\r\n'),
    fc.constantFrom('1.0', '1e400', '12345678901234567890', '-0'),
  )
  .map(([inner, space, number]) => Buffer.from(`{"a":${space}${inner},${space}"n": ${number}, "a":1}`))
const part = fc.oneof(bytes, utf8, json, fc.constant(Buffer.alloc(0)), fc.constant(null))
const record: fc.Arbitrary<LineRecord> = fc.record({
  key: part,
  value: part,
  headers: fc.array(
    fc.record({ name: fc.oneof(text, fc.constantFrom('1', '__proto__', 'a')), value: fc.oneof(part) }),
    { maxLength: 4 },
  ),
  timestamp: fc.oneof(fc.constant(undefined), fc.maxSafeInteger()),
  partition: fc.oneof(fc.constant(undefined), fc.string()),
  position: fc.oneof(fc.constant(undefined), fc.string()),
})

test('any record comes back from its line as it was', () => {
  fc.assert(
    fc.property(record, (given) => {
      const line = encodeLine(given)
      expect(line).not.toMatch(/[\n\r]/)
      expect(() => JSON.parse(line)).not.toThrow()
      expect(normal(decodeLine(line))).toEqual(normal(given))
    }),
    { numRuns: 3_000 },
  )
})

test('any JSON line is the bytes of its value, however it is spaced', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom('', ' ', '\t'), (value, space) => {
      const line = `{${space}"value"${space}:${space}${value}${space},${space}"key":null}`
      expect(Buffer.from(decodeLine(line).value!).toString()).toBe(value.trim())
    }),
  )
})

describe('what a line looks like', () => {
  test.each([
    ['JSON stands as it was stored', { value: Buffer.from('{"n": 1.0}') }, '{"key":null,"value":{"n": 1.0}}'],
    ['JSON null is a value', { value: Buffer.from('null') }, '{"key":null,"value":null}'],
    ['a tombstone is none', { key: Buffer.from('a') }, '{"key":"a","tombstone":true}'],
    ['an empty key is not null', { key: Buffer.alloc(0) }, '{"key":"","tombstone":true}'],
    ['text is marked', { value: Buffer.from('hi') }, '{"key":null,"value":"hi","valueEncoding":"text"}'],
    [
      'so is JSON on two lines',
      { value: Buffer.from('[1,\n2]') },
      '{"key":null,"value":"[1,\\n2]","valueEncoding":"text"}',
    ],
    ['nothing is text', { value: Buffer.alloc(0) }, '{"key":null,"value":"","valueEncoding":"text"}'],
    [
      'bytes are base64',
      { value: Buffer.of(255, 0) },
      '{"key":null,"value":"/wA=","valueEncoding":"base64"}',
    ],
    ['so are keys', { key: Buffer.of(255) }, '{"key":"/w==","keyEncoding":"base64","tombstone":true}'],
    ['a key is text, not JSON', { key: Buffer.from('42') }, '{"key":"42","tombstone":true}'],
    [
      'headers are an object',
      {
        headers: [
          { name: 'a', value: Buffer.from('x') },
          { name: 'b', value: null },
        ],
      },
      '{"key":null,"tombstone":true,"headers":{"a":"x","b":null}}',
    ],
    [
      'or a list where names repeat or bytes are no text',
      {
        headers: [
          { name: 'a', value: Buffer.from('x') },
          { name: 'a', value: Buffer.of(255) },
        ],
      },
      '{"key":null,"tombstone":true,"headers":[{"name":"a","value":"x"},{"name":"a","value":"/w==","encoding":"base64"}]}',
    ],
  ])('%s', (_, some, line) => {
    expect(encodeLine({ ...plain, ...some })).toBe(line)
  })
})

describe('what people write by hand', () => {
  test.each([
    ['{"key":42,"value":1}', { key: '42', value: '1' }],
    ['{"key":12345678901234567890,"value":1}', { key: '12345678901234567890', value: '1' }],
    ['{"key":{"a":1},"keyEncoding":"json","value":1}', { key: '{"a":1}', value: '1' }],
    ['{"key":null,"keyEncoding":"json","value":1}', { key: 'null', value: '1' }],
    ['{"value":"text"}', { key: null, value: '"text"' }],
    ['{"value":null,"tombstone":true}', { key: null, value: null }],
    ['{"value":[1 , 2]}', { key: null, value: '[1 , 2]' }],
  ])('%s', (line, { key, value }) => {
    const decoded = decodeLine(line)
    expect(decoded.key === null ? null : Buffer.from(decoded.key).toString()).toBe(key)
    expect(decoded.value === null ? null : Buffer.from(decoded.value).toString()).toBe(value)
  })

  test('a timestamp is milliseconds or ISO 8601', () => {
    expect(decodeLine('{"value":1,"timestamp":1517363399650}').timestamp).toBe(1517363399650)
    expect(decodeLine('{"value":1,"timestamp":"2018-01-31T01:49:59.650Z"}').timestamp).toBe(1517363399650)
  })
})

test.each([
  ['{"value":', /not JSON: Unexpected end/],
  ['{"value":1,}', /not JSON: .* at column 12/],
  ['[1]', /not a record.*--values/],
  ['{"valeu":1}', /"valeu" is no member/],
  ['{"key":"a"}', /no "value".*"tombstone":true/],
  ['{"value":1,"tombstone":true}', /a tombstone has no "value"/],
  ['{"tombstone":1}', /true or false/],
  ['{"value":1,"valueEncoding":"hex"}', /json, text or base64, not "hex"/],
  ['{"value":1,"valueEncoding":"text"}', /"value" in text is a string, not 1/],
  ['{"value":"x","valueEncoding":"base64"}', /not base64/],
  ['{"value":"ab=c","valueEncoding":"base64"}', /not base64/],
  ['{"value":"\\ud800","valueEncoding":"text"}', /half a surrogate pair/],
  ['{"key":{"a":1},"value":1}', /"keyEncoding":"json"/],
  ['{"value":1,"headers":1}', /"headers" is an object or a list/],
  ['{"value":1,"headers":{"a":1}}', /header "a" is a string or null/],
  ['{"value":1,"headers":[{"name":"a"}]}', /a header in a list is/],
  ['{"value":1,"timestamp":"soon"}', /"timestamp" is milliseconds/],
  ['{"value":1,"timestamp":1.5}', /"timestamp" is milliseconds/],
  ['{"value":1,"partition":{}}', /"partition" is a string/],
])('refuses %s', (line, message) => {
  expect(() => decodeLine(line)).toThrow(message)
})

/** Buffers and arrays of the same bytes are the same. */
function normal(given: LineRecord): unknown {
  const hex = (some: Uint8Array | null): string | null =>
    some === null ? null : Buffer.from(some).toString('hex')
  const headers = given.headers.map(({ name, value }) => [name, hex(value)])
  return { ...given, key: hex(given.key), value: hex(given.value), headers }
}
