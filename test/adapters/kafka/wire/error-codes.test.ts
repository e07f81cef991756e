import { expect, test } from 'vitest'
import { classify } from '../../../../adapters/kafka/classify.ts'
import { errorOf, isStale, KafkaError, nameOf } from '../../../../adapters/kafka/wire/error-codes.ts'
import { StreamError } from '../../../../src/driver.ts'

test.each(Object.entries(KafkaError).filter(([, code]) => code !== 0))('%s is known', (name, code) => {
  expect(nameOf(code)).toBe(name)
  const error = errorOf(code, 'doing something', { topic: 't', partition: 3, detail: 'the broker says so.' })
  expect(error).toMatchObject({ topic: 't', partition: '3' })
  expect(error.message).toMatch(
    new RegExp(`^doing something: the broker answered ${name}: the broker says so: \\S`),
  )
  // What is asked again after another look must be worth asking again, but for topics, which may just be gone.
  if (isStale(code)) expect(error.retryable || error.code === 'NOT_FOUND').toBe(true)
})

test('what nobody knows is INTERNAL and not tried again', () => {
  expect(errorOf(9_999, 'doing something')).toMatchObject({ code: 'INTERNAL', retryable: false })
  for (const thrown of [undefined, null, 'text', 7, {}, new Error('odd')]) {
    expect(classify(thrown)).toMatchObject({ code: 'INTERNAL', retryable: false })
  }
  const known = new StreamError('CLOSED', 'it is closed')
  expect(classify(known)).toBe(known)
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  expect(classify(refused)).toMatchObject({ code: 'UNAVAILABLE', retryable: true })
})
