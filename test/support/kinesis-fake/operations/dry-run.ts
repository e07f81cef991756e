import { ServiceError } from '../../aws-faults/service-error.ts'

/** What the service answers instead of success. */
export function dryRun({ DryRun }: { readonly DryRun?: boolean }): void {
  if (DryRun === true) {
    throw new ServiceError('DryRunOperationException', 'The request would have succeeded, but DryRun is set.')
  }
}
