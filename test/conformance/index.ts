import { cases } from './cases/index.ts'
import { DEFAULT_TIMEOUT_MS, runCase, runWaived } from './run-case.ts'
import type { Backend, ConformanceSetup, Runner } from './setup.ts'

export { FetchedBatchView } from './oracle/recording-reader.ts'
export type { Backend, ChildDriver, ConformanceSetup, Faults, Runner } from './setup.ts'

/** The ids of all cases, for waivers and `only`. */
export const caseIds: readonly string[] = cases.map(({ id }) => id)

/**
 * Registers the suite with a test runner: the promises of millrace as cases under stable ids, judged by one oracle. A
 * capability that the backend declares is tested; for one it does not the case asserts UNSUPPORTED. See `ConformanceSetup`.
 */
export function conformance(runner: Runner, setup: ConformanceSetup): void {
  const { waivers = {}, only, patience = 1 } = setup
  const chosen = cases.filter(({ id }) => only === undefined || only.some((prefix) => id.startsWith(prefix)))
  runner.describe(`${setup.name} keeps the promises`, () => {
    let opened: Promise<Backend> | undefined
    const backend = () => (opened ??= setup.open())
    for (const testCase of chosen) {
      const { id, title } = testCase
      const limitMs = (testCase.timeoutMs ?? DEFAULT_TIMEOUT_MS) * patience
      const reason = waivers[id]
      const name = `${id}: ${title}${reason === undefined ? '' : ` [waived: ${reason}]`}`
      // Above the case's own limit, so that the case is what reports it, and closes what it opened.
      runner.test(name, { timeout: limitMs + 20_000 * patience }, async () =>
        reason === undefined
          ? runCase(testCase, await backend(), patience)
          : runWaived(testCase, await backend(), reason, patience),
      )
    }
    runner.test('waivers: each names a case and says why', { timeout: 5_000 }, async () => {
      for (const [id, reason] of Object.entries(waivers)) {
        if (!caseIds.includes(id))
          throw new Error(`the waiver "${id}" names no case; cases are ${caseIds.join(', ')}`)
        if (reason.trim().length < 10) throw new Error(`the waiver of "${id}" gives no reason`)
      }
    })
    runner.afterAll(async () => {
      if (opened !== undefined) await (await opened).close()
    })
  })
}

/** Runs one case by its id, outside of any runner: for finding out why it fails, and for mutants. */
export async function runConformanceCase(id: string, open: () => Promise<Backend>): Promise<void> {
  const found = cases.find((testCase) => testCase.id === id)
  if (found === undefined) throw new Error(`there is no case "${id}"; cases are ${caseIds.join(', ')}`)
  const backend = await open()
  try {
    await runCase(found, backend)
  } finally {
    await backend.close()
  }
}
