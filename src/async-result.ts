/** Whether a handler's answer has to be waited for. */
export function isAsyncResult(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
