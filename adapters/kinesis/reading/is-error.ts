/** Whether an error of the service, or what it was made of, has that name. */
export function isError(error: unknown, name: string): boolean {
  if (!(error instanceof Error)) return false
  return error.name === name || (error.cause !== undefined && isError(error.cause, name))
}
