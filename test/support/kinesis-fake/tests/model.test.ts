import * as sdk from '@aws-sdk/client-kinesis'
import { expect, test } from 'vitest'
import { operations } from '../operations/index.ts'
import { startKinesisFake } from '../start-kinesis-fake.ts'
import { problemsOf } from './model.ts'
import { scriptedCalls } from './scripted-calls.ts'

test('every answer has what the service model requires, and nothing that it does not know', async () => {
  await using fake = await startKinesisFake({ settleMs: 1, limits: 'off' })
  const calls = await scriptedCalls(fake.endpoint, 'stream')
  const answered = new Set<string>()
  for (const { name, operation, status, body, headers } of calls) {
    if (status !== 200) {
      expect([name, Object.keys(body).sort()]).toEqual([name, ['__type', 'message']])
      expect([name, headers.get('x-amzn-errortype')]).toEqual([name, body.__type])
      continue
    }
    answered.add(operation)
    const hasOutput = `${operation}Output$` in sdk
    const problems = hasOutput ? problemsOf(`${operation}Output`, body) : Object.keys(body)
    expect([name, problems]).toEqual([name, []])
  }
  // Events have their own test: they are not of JSON alone.
  expect([...answered, 'SubscribeToShard'].sort()).toEqual(Object.keys(operations).sort())
})

test('errors are among those that the model knows, but for the service-wide ones', async () => {
  await using fake = await startKinesisFake({ settleMs: 1, limits: 'off' })
  const refused = (await scriptedCalls(fake.endpoint, 'stream')).filter(({ status }) => status !== 200)
  expect(refused.length).toBeGreaterThan(7)
  for (const { name, body } of refused) expect([name, String(body.__type) in sdk]).toEqual([name, true])
})

test('problems are found', () => {
  expect(problemsOf('GetRecordsOutput', { NextShardIterator: 1, Other: true })).toEqual([
    'GetRecordsOutput.Records: required',
    'GetRecordsOutput.NextShardIterator: 1 is not of kind 0',
    'GetRecordsOutput.Other: unknown',
  ])
  expect(problemsOf('GetRecordsOutput', { Records: [{ Data: '?', SequenceNumber: '1' }] })).toEqual([
    'GetRecordsOutput.Records[0].Data: "?" is not of kind 21',
  ])
})
