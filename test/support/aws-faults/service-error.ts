/** An error answer of the service: its code as in `__type`, and the HTTP status. */
export class ServiceError extends Error {
  readonly code: string
  readonly status: number

  constructor(code: string, message: string, status = statusOf(code)) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** Faults of the service are 500, its refusals 400. */
export function statusOf(code: string): number {
  if (/^Internal(Failure|ServerError)/.test(code)) return 500
  return code.startsWith('ServiceUnavailable') ? 503 : 400
}
