import { ServiceError } from '../../aws-faults/service-error.ts'
import type { StreamInput } from '../model/account.ts'
import type { CallContext } from '../service.ts'
import { inRange, required } from './required.ts'

type Input = StreamInput & { readonly RetentionPeriodHours?: number }

/** IncreaseStreamRetentionPeriod. */
export const increaseRetention = (context: CallContext, input: Input): object =>
  setRetention(context, input, 'Requested retention period', (asked, had) => asked >= had)

/** DecreaseStreamRetentionPeriod. */
export const decreaseRetention = (context: CallContext, input: Input): object =>
  setRetention(context, input, 'Requested retention period', (asked, had) => asked <= had)

function setRetention(
  { service }: CallContext,
  input: Input,
  what: string,
  allowed: (asked: number, had: number) => boolean,
): object {
  required(input, 'RetentionPeriodHours')
  inRange('RetentionPeriodHours', input.RetentionPeriodHours, 24, 8_760)
  const stream = service.account.settledStream(input)
  const asked = input.RetentionPeriodHours!
  if (!allowed(asked, stream.retentionHours)) {
    throw new ServiceError(
      'InvalidArgumentException',
      `${what} (${asked} hours) for ${stream.where} lies on the wrong side of the existing one (${stream.retentionHours} hours).`,
    )
  }
  service.account.change(stream, () => {
    stream.retentionHours = asked
  })
  return {}
}
