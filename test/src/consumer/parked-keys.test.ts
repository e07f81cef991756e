import { describe, expect, test } from 'vitest'
import { ParkedKeys } from '../../../src/consumer/parked-keys.ts'

const key = Buffer.from('k')
const compare = (a: string, b: string): number => Number(a) - Number(b)

describe('parked keys', () => {
  test('number the records of a key, from the poison record on', () => {
    const parked = new ParkedKeys('g', [])
    expect(parked.park(key, '5')).toEqual({ group: 'g', id: '5', seq: 1 })
    expect(parked.park(key, '8')).toEqual({ group: 'g', id: '5', seq: 2 })
    expect(parked.has(key)).toBe(true)
    expect(parked.has(Buffer.from('other'))).toBe(false)
  })

  test('survive being stored', () => {
    const parked = new ParkedKeys('g', [])
    parked.park(Buffer.from([0, 255, 128]), '5')
    const again = new ParkedKeys('g', [parked.encode()])
    expect(again.has(Buffer.from([0, 255, 128]))).toBe(true)
    expect(again.has(Buffer.from([0, 255]))).toBe(false)
  })

  test('know a record that was set aside before', () => {
    const parked = new ParkedKeys('g', [])
    parked.park(key, '5')
    parked.park(key, '8')
    expect(parked.knows(key, '8', compare)).toBe(true)
    expect(parked.knows(key, '9', compare)).toBe(false)
  })

  test('release in order, each once, and free the key with the last', () => {
    const parked = new ParkedKeys('g', [])
    const first = parked.park(key, '5')
    const second = parked.park(key, '8')
    expect(parked.turnOf(key, second)).toBe('later')
    expect(parked.turnOf(key, first)).toBe('now')
    parked.release(key, first)
    expect(parked.turnOf(key, first)).toBe('over')
    expect(parked.turnOf(key, second)).toBe('now')
    parked.release(key, second)
    expect(parked.size).toBe(0)
    expect(parked.turnOf(key, second)).toBe('over')
  })

  test('do not take a ticket of an earlier parking of the same key', () => {
    const parked = new ParkedKeys('g', [])
    const old = parked.park(key, '5')
    parked.release(key, old)
    parked.park(key, '20')
    expect(parked.turnOf(key, old)).toBe('over')
  })

  test('take over what the parents of a split partition had', () => {
    const left = new ParkedKeys('g', [])
    const right = new ParkedKeys('g', [])
    left.park(Buffer.from('l'), '1')
    right.park(Buffer.from('r'), '2')
    const child = new ParkedKeys('g', [left.encode(), right.encode()])
    expect(child.has(Buffer.from('l'))).toBe(true)
    expect(child.has(Buffer.from('r'))).toBe(true)
    expect(child.dirty).toBe(true)
  })
})
