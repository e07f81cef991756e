import { CallBudget } from './call-budget.ts'
import type { ReadingLimits } from './reading-limits.ts'

const MIN_GAP_MS = 100
const MAX_GAP_MS = 2_000
/** After an answer without throttle the learned gap shrinks to so much of it. */
const RECOVERY = 0.95
const HOLD_MS = 1_000

/** What the polling readers of one shard in this process share. */
export class ShardBudget {
  readonly iterators: CallBudget
  readonly #limits: ReadingLimits
  readonly #records: CallBudget
  /** Others read this shard too, or it gave too much: calls keep this distance. */
  #gapMs = 0
  /** The service counts bytes. Emulators do not, and are not slowed down for nothing. */
  #paced = false
  #paidUntil = 0

  constructor(limits: ReadingLimits) {
    this.#limits = limits
    this.iterators = new CallBudget(limits.callsPerSecond)
    this.#records = new CallBudget(limits.callsPerSecond)
  }

  /** Resolves when GetRecords may be called; `answered`, `throttled` or `failed` has to follow. */
  begin(signal: AbortSignal): Promise<void> {
    return this.#records.begin(signal)
  }

  answered(bytes: number): void {
    this.#gapMs = this.#gapMs < MIN_GAP_MS ? 0 : this.#gapMs * RECOVERY
    this.#pay(bytes)
    this.#records.end()
  }

  throttled(): void {
    this.#paced = true
    this.#gapMs = Math.min(MAX_GAP_MS, Math.max(MIN_GAP_MS * 2, this.#gapMs * 1.5))
    // What the service throttles it throttles for a second; who waits for the same shard elsewhere is not to come back with us.
    this.#records.hold(HOLD_MS * (1 + Math.random() / 2))
    this.#records.end()
  }

  failed(): void {
    this.#records.end()
  }

  #pay(bytes: number): void {
    const now = performance.now()
    const { bytesPerSecond, fullAnswerBytes, fullAnswerPauseMs } = this.#limits
    if (bytes >= fullAnswerBytes) this.#records.hold(fullAnswerPauseMs)
    this.#paidUntil = Math.max(now, this.#paidUntil) + (bytes / bytesPerSecond) * 1_000
    if (this.#paced) this.#records.hold(this.#paidUntil - now)
    else this.#paidUntil = now
    if (this.#gapMs > 0) this.#records.hold(this.#gapMs * (1 + Math.random() / 4))
  }
}

interface Shared {
  readonly budget: ShardBudget
  readers: number
  /** `performance.now()` when the last reader left. */
  leftAt: number
}

const BUDGETS = new Map<string, Shared>()
/** The service remembers calls for a second; so does a budget that nobody holds. */
const REMEMBER_MS = 2_000

/** The budget of a shard, by a name that no other shard has; the same for all of this process who ask. To be given back. */
export function shareBudget(name: string, limits: ReadingLimits): { budget: ShardBudget; giveBack(): void } {
  const now = performance.now()
  for (const [other, { readers, leftAt }] of BUDGETS) {
    if (readers === 0 && now - leftAt > REMEMBER_MS) BUDGETS.delete(other)
  }
  const shared = BUDGETS.get(name) ?? { budget: new ShardBudget(limits), readers: 0, leftAt: 0 }
  BUDGETS.set(name, shared)
  shared.readers++
  let given = false
  return {
    budget: shared.budget,
    giveBack() {
      if (given) return
      given = true
      shared.readers--
      shared.leftAt = performance.now()
    },
  }
}
