import { describe, expect, test } from 'vitest'
import { parseAddress } from '../../../adapters/kinesis/address.ts'
import { StreamError } from '../../../src/driver.ts'

describe('addresses of Kinesis', () => {
  test('say the region, the rest has defaults', () => {
    expect(parseAddress('kinesis://eu-west-1/orders')).toEqual({
      region: 'eu-west-1',
      endpoint: undefined,
      leases: { store: 'dynamodb', table: undefined },
      leasesEndpoint: undefined,
      fanout: undefined,
      fallback: undefined,
      aggregate: false,
      lingerMs: 100,
      dedupe: false,
      order: 'strict',
      profile: undefined,
      role: undefined,
      deliveryTimeoutMs: 120_000,
      requestTimeoutMs: 10_000,
    })
    expect(parseAddress('kinesis://').region).toBeUndefined()
  })

  test.each([
    ['leases=billing-leases', { store: 'dynamodb', table: 'billing-leases' }],
    ['leases=log:./data', { store: 'local', address: 'log:./data' }],
    ['leases=memory:x', { store: 'local', address: 'memory:x' }],
  ])('name where leases are: %s', (query, leases) => {
    expect(parseAddress(`kinesis://eu-west-1?${query}`).leases).toEqual(leases)
  })

  test.each([
    ['kinesis://key:secret@eu-west-1', /never put keys/],
    ['kinesis://Eu_West', /no region/],
    ['kinesis://eu-west-1?endpont=http://x', /unknown parameter endpont/],
    ['kinesis://eu-west-1?endpoint=localhost:4566', /http:\/\/127\.0\.0\.1:4566/],
    ['kinesis://eu-west-1?order=fast', /strict/],
    ['kinesis://eu-west-1?aggregate=yes', /true or false/],
    ['kinesis://eu-west-1?fallback=polling', /fanout=NAME/],
    ['kinesis://eu-west-1?fanout=a&fallback=none', /give polling/],
    ['kinesis://eu-west-1?leases=x', /DynamoDB/],
    ['kinesis://eu-west-1?lingerMs=-1', /whole number/],
    ['kinesis://eu-west-1?role=admin', /arn/],
  ])('that make no sense are refused: %s', (address, remedy) => {
    let error: unknown
    try {
      parseAddress(address)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(StreamError)
    expect((error as StreamError).code).toBe('INVALID_ARGUMENT')
    expect((error as StreamError).message).toMatch(remedy)
    expect((error as StreamError).message).not.toMatch(/secret/)
  })
})
