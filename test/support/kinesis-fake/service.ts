import { Calls } from './calls.ts'
import { Clock } from './clock.ts'
import { Faults, type MetFault } from './faults/faults.ts'
import { Account } from './model/account.ts'
import { type KinesisFakeOptions, type Settings, settingsOf } from './options.ts'
import { seededRandom } from './random.ts'

/** What operations work on. */
export class Service {
  readonly settings: Settings
  readonly clock = new Clock()
  readonly calls = new Calls()
  readonly faults: Faults
  readonly account: Account

  constructor(options: KinesisFakeOptions) {
    const seed = options.seed ?? 1
    this.settings = settingsOf(options)
    this.faults = new Faults(seededRandom(seed))
    this.account = new Account(this.settings, seededRandom(seed + 1))
  }
}

/** One call, as an operation sees it beside its input. */
export interface CallContext {
  readonly service: Service
  /** The faults that the operation itself brings about: entries that fail, and what happens in a subscription. */
  readonly faults: readonly MetFault[]
}
