import { describe, expect, test } from 'vitest'
import { readCbor } from '../wire/cbor-reader.ts'
import { writeCbor } from '../wire/write-cbor.ts'

const read = (hex: string): unknown => readCbor(Buffer.from(hex, 'hex'))

describe('CBOR', () => {
  // RFC 8949, appendix A; byte strings stand as base64 text.
  test.each<[string, unknown]>([
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['1903e8', 1_000],
    ['1a000f4240', 1_000_000],
    ['1b000000e8d4a51000', 1_000_000_000_000],
    ['3863', -100],
    ['fa47c35000', 100_000],
    ['fb3ff199999999999a', 1.1],
    ['f4', false],
    ['f5', true],
    ['4401020304', 'AQIDBA=='],
    ['62c3bc', undefined],
    ['6449455446', 'IETF'],
    ['8301820203820405', [1, [2, 3], [4, 5]]],
    ['a26161016162820203', { a: 1, b: [2, 3] }],
    ['5f42010243030405ff', 'AQIDBAU='],
    ['7f657374726561646d696e67ff', 'streaming'],
    ['9f01820203ff', [1, [2, 3]]],
    ['bf61610161629f0203ffff', { a: 1, b: [2, 3] }],
    ['a16161f6', {}],
  ])('reads %s', (hex, value) => {
    if (value === undefined) expect(read(hex)).toBe('ü')
    else expect(read(hex)).toEqual(value)
  })

  test('times are tagged milliseconds', () => {
    expect(read('c11b0000019f00000000')).toBe(0x19f_0000_0000 / 1_000)
    expect(writeCbor({ Timestamp: 1_782.5 }).toString('hex')).toBe('a16954696d657374616d70c11a001b32e4')
  })

  test('what is written is read', () => {
    const body = {
      Records: [{ Data: 'AQID', PartitionKey: 'ключ', ApproximateArrivalTimestamp: 1_795_827_480.886 }],
      Long: 'x'.repeat(70_000),
      Numbers: [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 40, -1, -500],
      Yes: true,
      No: false,
    }
    expect(readCbor(writeCbor({ ...body, Nothing: null, Absent: undefined }))).toEqual(body)
  })
})
