import { Calls } from '../aws-faults/calls.ts'
import { Faults, type MetFault } from '../aws-faults/faults.ts'
import { seededRandom } from '../aws-faults/random.ts'
import { Clock } from './clock.ts'
import type { KinesisEffect } from './kinesis-effect.ts'
import { Account } from './model/account.ts'
import { type KinesisFakeOptions, type Settings, settingsOf } from './options.ts'

/** What operations work on. */
export class Service {
  readonly settings: Settings
  readonly clock = new Clock()
  readonly calls = new Calls()
  readonly faults: Faults<KinesisEffect>
  readonly account: Account
  /** Of faults. */
  readonly random: () => number

  constructor(options: KinesisFakeOptions) {
    const seed = options.seed ?? 1
    this.settings = settingsOf(options)
    this.random = seededRandom(seed)
    this.faults = new Faults<KinesisEffect>(this.random)
    this.account = new Account(this.settings, this.clock.steady, seededRandom(seed + 1))
  }
}

/** One call, as an operation sees it beside its input. */
export interface CallContext {
  readonly service: Service
  /** The faults that the operation itself brings about: entries that fail, and what happens in a subscription. */
  readonly faults: readonly MetFault<KinesisEffect>[]
}
