import assert from 'node:assert/strict'
import kafkajs from 'kafkajs'
import { describe, test } from 'vitest'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../../adapters/kafka/grouping/consumer-protocol.ts'

const { MemberMetadata, MemberAssignment } = kafkajs.AssignerProtocol

describe('what members and leaders tell each other', () => {
  const subscription = {
    topics: ['a', 'ß'],
    owned: [
      { topic: 'a', partition: 1 },
      { topic: 'a', partition: 0 },
      { topic: 'ß', partition: 7 },
    ],
    generation: 12,
    refused: [{ topic: 'a', partition: 3 }],
    incarnation: 2,
  }

  test('reads as it was written', () => {
    assert.deepEqual(decodeSubscription(encodeSubscription(subscription)), subscription)
    assert.deepEqual(decodeAssignment(encodeAssignment(subscription.owned)), subscription.owned)
    assert.deepEqual(decodeAssignment(encodeAssignment([])), [])
    assert.deepEqual(decodeAssignment(Buffer.alloc(0)), [])
  })

  test('kafkajs reads it, and is read', () => {
    const read = MemberMetadata.decode(encodeSubscription(subscription))
    assert.deepEqual(read?.topics, ['a', 'ß'])
    assert.equal(read?.userData.readInt32BE(), 12, "Apache's assignor finds the generation there")
    const theirs = MemberMetadata.encode({ version: 0, topics: ['x'], userData: Buffer.from('what?') })
    assert.deepEqual(decodeSubscription(theirs), {
      topics: ['x'],
      owned: [],
      generation: -1,
      refused: [],
      incarnation: 0,
    })
    const assignment = MemberAssignment.encode({
      version: 0,
      assignment: { t: [2, 1] },
      userData: Buffer.alloc(0),
    })
    assert.deepEqual(decodeAssignment(assignment), [
      { topic: 't', partition: 2 },
      { topic: 't', partition: 1 },
    ])
    const ours = MemberAssignment.decode(encodeAssignment([{ topic: 't', partition: 2 }]))
    assert.deepEqual(ours?.assignment, { t: [2] })
  })
})
