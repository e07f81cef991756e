import type { Case } from '../case.ts'
import { abort } from './abort.ts'
import { bytesOfEveryKind } from './bytes.ts'
import { close } from './close.ts'
import { crash } from './crash.ts'
import { durability } from './durability.ts'
import { errors } from './errors.ts'
import { expired } from './expired.ts'
import { groups } from './groups.ts'
import { handOff } from './hand-off.ts'
import { memory } from './memory.ts'
import { order } from './order.ts'
import { ownership } from './ownership.ts'
import { parking } from './parking.ts'
import { partitions } from './partitions.ts'
import { poison } from './poison.ts'
import { replay } from './replay.ts'
import { slow } from './slow.ts'
import { staticMembers } from './static-members.ts'
import { transactions } from './transactions.ts'

/** The promises in the order of docs/design.md, then what several of them rest on. */
export const cases: readonly Case[] = [
  ...order,
  ...durability,
  ...replay,
  ...ownership,
  ...handOff,
  ...crash,
  ...slow,
  ...poison,
  ...parking,
  ...partitions,
  ...memory,
  ...expired,
  ...bytesOfEveryKind,
  ...close,
  ...abort,
  ...errors,
  ...groups,
  ...staticMembers,
  ...transactions,
]
