import { describe, test } from 'vitest'
import { runCase } from '../../conformance/run-case.ts'
import { seededRandom } from '../../support/aws-faults/random.ts'
import { chaos } from './support/chaos.ts'
import { fakeBackend } from './support/fake-conformance.ts'

const LONG = process.env.MILLRACE_LONG === '1'
const ROUND_MS = LONG ? 60_000 : 15_000
/** For each of the two ways to write. */
const ALL_MS = LONG ? 30 * 60_000 : ROUND_MS
const MARGIN_MS = 120_000

describe.each([
  { name: 'plain', parameters: {} },
  { name: 'aggregated', parameters: { aggregate: 'true', lingerMs: '10' } },
])('chaos with $name records', ({ parameters }) => {
  test(
    'no loss, no inversion, no forbidden duplicate through splits, merges, throttles, lost answers and kills',
    async () => {
      const end = performance.now() + ALL_MS
      let seed = Number(process.env.MILLRACE_SEED ?? Math.floor(Math.random() * 2 ** 31))
      do {
        console.info(`chaos: MILLRACE_SEED=${seed}`)
        const backend = await fakeBackend(parameters, seed)
        try {
          await runCase(
            {
              id: `chaos/${seed}`,
              title: 'everything at once',
              timeoutMs: ROUND_MS + MARGIN_MS,
              run: (context) => chaos(context, backend.fake, seededRandom(seed), ROUND_MS),
            },
            backend,
          )
        } finally {
          await backend.close()
        }
        seed++
      } while (performance.now() < end)
    },
    ALL_MS + ROUND_MS + MARGIN_MS * 2,
  )
})
