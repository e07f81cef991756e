import type { Capability } from '../../src/index.ts'
import type { CaseContext } from './case-context.ts'

/** One thing that a promise implies, under an id that stays. */
export interface Case {
  /** `promise/what`. */
  readonly id: string
  /** What holds, as a sentence. */
  readonly title: string
  /** Where one of these is not declared, the case asserts that it is refused as UNSUPPORTED instead. */
  readonly needs?: readonly Capability[]
  /** Milliseconds. Default: 15,000. */
  readonly timeoutMs?: number
  run(context: CaseContext): Promise<void>
}
