/** Resolves after `ms`, or rejects with the reason of the first signal that aborts. Leaves no timer and no listener. */
export function pause(ms: number, ...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = signals.find((signal) => signal.aborted)
    if (aborted !== undefined) return reject(aborted.reason)
    const end = (): void => {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', abort)
    }
    const abort = (event: Event): void => {
      end()
      reject((event.target as AbortSignal).reason)
    }
    const timer = setTimeout(() => {
      end()
      resolve()
    }, ms)
    for (const signal of signals) signal.addEventListener('abort', abort)
  })
}
