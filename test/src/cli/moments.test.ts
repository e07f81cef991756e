import { describe, expect, test } from 'vitest'
import {
  parseBytes,
  parseDuration,
  parseFrom,
  parseSpeed,
  parseStart,
  parseUntil,
  resumeStart,
} from '../../../src/cli/moments.ts'
import type { From } from '../../../src/index.ts'

const now = Date.UTC(2026, 0, 31, 12)

describe('places', () => {
  test.each([
    ['earliest', 'earliest'],
    ['latest', 'latest'],
    ['@17', { at: '17' }],
    ['@17+', { after: '17' }],
    ['@49/0:3', { at: '49/0:3' }],
    ['now', { timestamp: now }],
    ['-1h', { timestamp: now - 3_600_000 }],
    ['-1h30m', { timestamp: now - 5_400_000 }],
    ['2026-01-31', { timestamp: Date.UTC(2026, 0, 31) }],
    ['2026-01-31T10:00', { timestamp: Date.UTC(2026, 0, 31, 10) }],
    ['2026-01-31T10:00:00.5Z', { timestamp: Date.UTC(2026, 0, 31, 10, 0, 0, 500) }],
    ['2026-01-31T10:00+02:00', { timestamp: Date.UTC(2026, 0, 31, 8) }],
  ])('%s', (text, expected) => {
    expect(parseFrom(text, now)).toEqual(expected)
  })

  test.each(['', 'soon', '@', '@+', '1h', '-1', '-1y', '2026-13-01', '31.1.2026', '2026'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseFrom(text, now)).toThrow(/write earliest|no duration/)
    },
  )

  test('an end may be now', () => {
    expect(parseUntil('now', now)).toBe('now')
    expect(() => parseUntil('latest', now)).toThrow()
  })

  test('single partitions, and back', () => {
    const text = 'shardId-0=@17+,1=earliest,2=@4,3=2026-01-31T12:00:00.000Z'
    const { starts } = parseStart(text, now)
    expect(starts).toEqual({
      'shardId-0': { after: '17' },
      1: 'earliest',
      2: { at: '4' },
      3: { timestamp: now },
    })
    const places = new Map<string, From>([['a', { after: '9' }]])
    expect(resumeStart(places.set('b', 'latest'))).toBe('a=@9+,b=latest')
    expect(parseStart('0=end').starts).toEqual({ 0: 'end' })
  })
})

test.each([
  ['500ms', 500],
  ['90s', 90_000],
  ['1.5h', 5_400_000],
  ['2w', 1_209_600_000],
])('%s is %d ms', (text, millis) => {
  expect(parseDuration(text)).toBe(millis)
})

test.each(['', '5', 'h', '5 h', '5h!', '-5h'])('"%s" is no duration', (text) => {
  expect(() => parseDuration(text)).toThrow(/is no duration: write/)
})

test.each([
  ['1048576', 1_048_576],
  ['64KiB', 65_536],
  ['10MB', 10_000_000],
  ['1.5k', 1_500],
  ['2GiB', 2 * 1024 ** 3],
])('%s is %d bytes', (text, size) => {
  expect(parseBytes(text)).toBe(size)
})

test.each([
  ['10x', 10],
  ['0.5', 0.5],
  ['max', undefined],
])('%s is a speed', (text, speed) => {
  expect(parseSpeed(text)).toBe(speed)
})
