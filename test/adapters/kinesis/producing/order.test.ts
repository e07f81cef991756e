import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../support/aws-faults/random.ts'
import { openOnFake } from '../support/fake-backend.ts'
import { record } from '../support/record.ts'
import { takenByKcl, type Written, writtenTo } from '../support/written.ts'

const SEED = 20_261_128
const CALLS = 80

describe.each([
  { name: 'plain', parameters: {}, keys: 40, padding: 0, order: 'in the order of the calls' },
  // Few keys and large values: what waits of one key does not fit into one aggregate.
  {
    name: 'aggregated',
    parameters: { aggregate: 'true', lingerMs: '5' },
    keys: 8,
    padding: 6_000,
    order: 'in the order of the calls',
  },
  { name: 'plain', parameters: { order: 'relaxed' }, keys: 4, padding: 0, order: 'in any order' },
  {
    name: 'aggregated',
    parameters: { order: 'relaxed', aggregate: 'true', lingerMs: '5' },
    keys: 4,
    padding: 6_000,
    order: 'in any order',
  },
])('$name records', ({ parameters, keys, padding, order }) => {
  const ordered = order !== 'in any order'
  test.each([0, 1, 2])(
    `stand ${order}, each where it was acknowledged, whatever fails (seed + %i)`,
    async (offset) => {
      const seed = SEED + offset
      const random = seededRandom(seed)
      await using connection = await openOnFake(
        { limits: 'off', seed, settleMs: 5 },
        { ...parameters, requestTimeoutMs: '1500' },
      )
      const { fake, driver } = connection
      await driver.admin.createTopic({ name: 's', partitions: 2 })
      const on = 'PutRecords'
      const code = 'ProvisionedThroughputExceededException'
      fake.faults.add({ on, rate: 0.2, effect: { kind: 'entries', code, which: { share: 0.2 } } })
      fake.faults.add({
        on,
        rate: 0.2,
        effect: { kind: 'entries', code: 'InternalFailure', which: { share: 0.3 } },
      })
      fake.faults.add({
        on,
        rate: 0.05,
        effect: { kind: 'error', code: 'InternalFailureException', when: 'after' },
      })
      fake.faults.add({ on, rate: 0.05, effect: { kind: 'cut', when: 'after' } })
      fake.faults.add({ on, rate: 0.01, times: 2, effect: { kind: 'hang' } })
      fake.faults.add({ on, rate: 0.5, effect: { kind: 'shuffle' } })
      fake.faults.add({ on, rate: 0.3, effect: { kind: 'delay', ms: 10, when: 'before' } })

      const producer = await driver.openProducer({ clientId: 'test' })
      const sent: string[] = []
      const acknowledged: { partition: string; position: string; value: string }[] = []
      const calls: Promise<void>[] = []
      const counts = new Map<string, number>()
      const produce = async (): Promise<void> => {
        for (let call = 0; call < CALLS; call++) {
          const values = Array.from({ length: 1 + Math.floor(random() * 30) }, () => {
            const key = `k${Math.floor(random() * keys)}`
            const count = (counts.get(key) ?? 0) + 1
            counts.set(key, count)
            return `${key}#${count}#${'.'.repeat(random() * padding)}`
          })
          sent.push(...values)
          // A quarter of those that need no order have no key either.
          const keyOf = (value: string): string | null =>
            !ordered && value.startsWith('k0') ? null : value.split('#')[0]!
          const records = values.map((value) => record(keyOf(value), value))
          calls.push(
            producer.send('s', records).then((results) => {
              values.forEach((value, i) => {
                acknowledged.push({ value, partition: results.partition(i), position: results.position(i) })
              })
            }),
          )
          if (random() < 0.3) await wait(3)
        }
      }
      const reshard = async (): Promise<void> => {
        for (let i = 0; i < 6; i++) {
          await wait(20)
          const open = fake.stream('s').open
          const at = Math.floor(random() * (open.length - 1))
          if (random() < 0.6 || open.length === 1) await driver.admin.splitPartition!('s', open[at]!.id)
          else await driver.admin.mergePartitions!('s', [open[at]!.id, open[at + 1]!.id])
        }
      }
      await Promise.all([produce(), reshard()])
      await Promise.all(calls)
      await producer.close(1_000)

      expect(acknowledged).toHaveLength(sent.length)
      const written = writtenTo(fake, 's')
      for (const read of [written, takenByKcl(fake, 's')]) {
        const places = new Set(read.map(placeOf))
        expect(acknowledged.filter((each) => !places.has(placeOf(each)))).toEqual([])
        if (ordered) expect(inversions(read)).toEqual([])
      }
      if ('aggregate' in parameters)
        expect(Math.max(...written.map(({ together }) => together))).toBeGreaterThan(5)
    },
    30_000,
  )
})

const placeOf = (at: { partition: string; position: string; value: string }): string =>
  `${at.partition} ${at.position} ${at.value}`

/** A record is doubled where an answer was lost; what must not be is a first time after a later one. */
function inversions(written: readonly Written[]): string[] {
  const next = new Map<string, number>()
  const found: string[] = []
  for (const { key, value } of written) {
    const count = Number(value.split('#')[1])
    const expected = next.get(key!) ?? 1
    if (count > expected) found.push(`${key}#${count} where ${expected} was due`)
    next.set(key!, Math.max(expected, count + 1))
  }
  return found
}
