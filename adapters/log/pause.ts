/** Resolves after `ms`. Keeps the process alive: somebody waits for what comes then. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
