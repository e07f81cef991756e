import { expect, test } from 'vitest'
import { deadLetterHeaders } from '../../../src/index.ts'
import { backendOf, freshTopic, jsonLines, millrace, ok } from './support/cli.ts'

test('dead letters are sent back from the command line', async () => {
  const orders = await freshTopic(2)
  const letters = `${backendOf(orders)}/orders.dlq`
  await ok(['topics', 'create', letters])
  const headers = {
    trace: 't1',
    [deadLetterHeaders.topic]: 'orders',
    [deadLetterHeaders.group]: 'billing',
    [deadLetterHeaders.timestamp]: '1517363399650',
    [deadLetterHeaders.error]: 'no such customer',
  }
  await ok(['produce', letters], `${JSON.stringify({ key: 'a', value: { n: 1 }, headers })}\n`)
  expect(await ok(['replay', letters, orders, '--group-only'])).toMatch(
    /^replayed 1 record .*, 1 dead letter sent back\n$/,
  )
  expect(jsonLines(await ok(['consume', orders, '--until', 'now']))).toMatchObject([
    {
      key: 'a',
      value: { n: 1 },
      timestamp: 1_517_363_399_650,
      headers: { trace: 't1', 'millrace-redrive-only': 'billing' },
    },
  ])
  const other = await freshTopic(1, 'invoices')
  const refused = await millrace(['replay', letters, other])
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/came from topic "orders", not "invoices"/),
  })
})
