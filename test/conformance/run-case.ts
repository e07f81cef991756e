import type { Case } from './case.ts'
import { CaseContext } from './case-context.ts'
import { setPatience, within } from './eventually.ts'
import type { Backend } from './setup.ts'
import { assertUndeclared } from './undeclared.ts'

/** Milliseconds. */
export const DEFAULT_TIMEOUT_MS = 15_000

/** Runs one case on connections of its own. Where a capability is wanting, asserts that it is refused. */
export async function runCase(testCase: Case, backend: Backend, patience = 1): Promise<void> {
  setPatience(patience)
  const context = await CaseContext.begin(backend)
  const missing = (testCase.needs ?? []).filter((capability) => !context.capabilities.has(capability))
  const limitMs = testCase.timeoutMs ?? DEFAULT_TIMEOUT_MS
  let failure: { error: unknown } | undefined
  try {
    const work =
      missing.length > 0
        ? Promise.all(missing.map((capability) => assertUndeclared(context, capability)))
        : testCase.run(context)
    await within(limitMs, work as Promise<unknown>, `case ${testCase.id}`)
  } catch (error) {
    failure = { error }
  }
  try {
    await context.end()
  } catch (error) {
    // What the case found says more than what became of its leftovers.
    failure ??= { error }
  }
  if (failure !== undefined) throw failure.error
}

/** As `runCase`, for a case that is known to fail: fails when it passes. */
export async function runWaived(
  testCase: Case,
  backend: Backend,
  reason: string,
  patience = 1,
): Promise<void> {
  let failed = false
  try {
    await runCase(testCase, backend, patience)
  } catch {
    failed = true
  }
  if (!failed) throw new Error(`${testCase.id} passes: remove its waiver ("${reason}")`)
}
