import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { cut } from './cut.ts'
import type { HttpEffect } from './fault.ts'
import type { MetFault } from './faults.ts'
import { ServiceError, statusOf } from './service-error.ts'

/** Lets the faults of that moment happen; true when there is nothing left to answer. `refuse` writes an error answer. */
export async function bringDown(
  faults: readonly MetFault<HttpEffect | { readonly kind: string }>[],
  moment: 'before' | 'after',
  response: ServerResponse,
  refuse: (error: ServiceError) => void,
): Promise<boolean> {
  for (const { effect: any } of faults) {
    const effect = any as HttpEffect
    const { kind } = effect
    if (kind === 'delay' && (effect.when ?? 'after') === moment) await wait(effect.ms)
    else if (kind === 'hang' && moment === 'before') return true
    else if (kind === 'cut' && effect.when === moment) {
      cut(response)
      return true
    } else if (kind === 'error' && (effect.when ?? 'before') === moment) {
      refuse(new ServiceError(effect.code, effect.message ?? messageOf(effect.code)))
      return true
    }
  }
  return false
}

/** Writes the answer, or half of it where a fault says so. */
export function answer(response: ServerResponse, body: Buffer, faults: readonly MetFault<object>[]): void {
  if (faults.some(({ effect }) => 'kind' in effect && effect.kind === 'cut')) {
    response.write(body.subarray(0, body.length / 2), () => cut(response))
  } else response.end(body)
}

function messageOf(code: string): string {
  if (code === 'UnrecognizedClientException') return 'The security token included in the request is invalid.'
  if (code === 'ExpiredTokenException') return 'The security token included in the request is expired'
  if (code === 'ProvisionedThroughputExceededException') return 'Rate exceeded.'
  return statusOf(code) === 500 ? 'Internal service failure.' : `${code}.`
}
