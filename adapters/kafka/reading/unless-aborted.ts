/** The promise, or the reason of the first of the signals that aborts before it settles. No listener is left behind. */
export function unlessAborted<T>(promise: Promise<T>, ...signals: readonly AbortSignal[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (event: Event): void => done(() => reject((event.target as AbortSignal).reason))
    const done = (settle: () => void): void => {
      for (const signal of signals) signal.removeEventListener('abort', abort)
      settle()
    }
    for (const signal of signals) {
      if (signal.aborted) return done(() => reject(signal.reason))
      signal.addEventListener('abort', abort)
    }
    promise.then(
      (value) => done(() => resolve(value)),
      (error) => done(() => reject(error)),
    )
  })
}
