let holders = 0
let timer: NodeJS.Timeout | undefined

/**
 * Keeps the process from ending while somebody waits for what only a timer or another process can bring: one timer for
 * all of them. Returns how to let go, once.
 */
export function keepAlive(): () => void {
  let held = true
  if (holders++ === 0) timer = setInterval(() => {}, 2 ** 30)
  return () => {
    if (!held) return
    held = false
    if (--holders === 0) clearInterval(timer)
  }
}
