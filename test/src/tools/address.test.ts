import { describe, expect, test } from 'vitest'
import { backendAddress, isAddress, joinAddress, topicAddress } from '../../../src/tools/address.ts'

describe('topicAddress', () => {
  test.each([
    ['log:./data/orders', 'log:./data', 'orders'],
    ['log:data/orders', 'log:data', 'orders'],
    ['log:/var/lib/data/orders.dlq', 'log:/var/lib/data', 'orders.dlq'],
    ['log:orders', 'log:.', 'orders'],
    ['log:/orders', 'log:/', 'orders'],
    ['log:../orders', 'log:..', 'orders'],
    ['log:./data/orders?fsync=batch', 'log:./data?fsync=batch', 'orders'],
    ['memory:orders', 'memory:', 'orders'],
    ['kafka://localhost:9092/orders', 'kafka://localhost:9092', 'orders'],
    ['kafka://a:9092,b:9092/orders', 'kafka://a:9092,b:9092', 'orders'],
    ['msk://host:9098/orders?region=eu-west-1', 'msk://host:9098?region=eu-west-1', 'orders'],
    [
      'kinesis://eu-west-1/orders?endpoint=http://localhost:4566/x&leases=table',
      'kinesis://eu-west-1?endpoint=http://localhost:4566/x&leases=table',
      'orders',
    ],
  ])('%s', (address, backend, topic) => {
    expect(topicAddress(address)).toEqual({ backend, topic })
    expect(topicAddress(joinAddress(backend, topic))).toEqual({ backend, topic })
  })

  test.each([
    ['orders', /no scheme.*"log:orders"/],
    ['', /no scheme/],
    ['foo:orders', /unknown scheme "foo:"/],
    ['kafka:orders', /names no host.*kafka:\/\/host:9092/],
    ['kafka:///orders', /names no host/],
    ['kinesis://?endpoint=x', /names no region/],
    ['kafka://host:9092', /names no topic. Write kafka:\/\/host:9092\/TOPIC/],
    ['kafka://host:9092/', /names no topic. Write kafka:\/\/host:9092\/TOPIC/],
    ['kinesis://eu-west-1?leases=table', /Write kinesis:\/\/eu-west-1\/TOPIC\?leases=table/],
    ['log:', /names no topic. Write log:TOPIC/],
    ['log:./data/', /names no topic. Write log:.\/data\/TOPIC/],
    ['log:..', /names no topic/],
    ['memory:', /names no topic. Write memory:TOPIC/],
    ['log:./data/or ders', /"or ders".*no topic name/],
  ])('refuses "%s"', (address, message) => {
    expect(() => topicAddress(address)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }),
    )
  })
})

test('a backend takes the whole', () => {
  expect(backendAddress('log:./data/orders')).toBe('log:./data/orders')
  expect(backendAddress('memory:')).toBe('memory:')
})

test.each([
  ['log:./data/orders', true],
  ['fog:./data/orders', true],
  ['orders.jsonl', false],
  ['./orders', false],
  ['-', false],
  ['C:\\orders.jsonl', false],
])('%s is an address: %s', (text, expected) => {
  expect(isAddress(text)).toBe(expected)
})
