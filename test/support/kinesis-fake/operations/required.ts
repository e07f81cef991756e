import { ServiceError } from '../../aws-faults/service-error.ts'

/** Throws the service's ValidationException for what the model requires and the input lacks. */
export function required(input: object, ...names: readonly string[]): void {
  const missing = names.filter((name) => (input as Record<string, unknown>)[name] === undefined)
  if (missing.length === 0) return
  const problems = missing.map(
    (name) =>
      `Value null at '${name[0]!.toLowerCase()}${name.slice(1)}' failed to satisfy constraint: Member must not be null`,
  )
  throw new ServiceError(
    'ValidationException',
    `${missing.length} validation error${missing.length > 1 ? 's' : ''} detected: ${problems.join('; ')}`,
  )
}

export function inRange(name: string, value: number | undefined, low: number, high: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= low && value <= high)) return
  throw new ServiceError(
    'ValidationException',
    `1 validation error detected: Value '${value}' at '${name[0]!.toLowerCase()}${name.slice(1)}' failed to satisfy constraint: Member must have value between ${low} and ${high}`,
  )
}
