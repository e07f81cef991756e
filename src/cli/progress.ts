import { SingleBar } from 'cli-progress'
import { count, duration } from './human.ts'

/** Shows how far something long has come, with rate and time left, on stderr; says nothing where that is no terminal. */
export class Progress implements Disposable {
  private readonly bar: SingleBar | undefined
  private readonly started = performance.now()
  private shown = false

  constructor(what: string, { quiet = false } = {}) {
    if (quiet || !process.stderr.isTTY) return
    this.bar = new SingleBar({
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      barsize: 24,
      fps: 10,
      format: (options, { progress, value, total }, payload: { left?: number; unknown?: boolean }) => {
        const seconds = Math.max(0.001, (performance.now() - this.started) / 1_000)
        const rate = `${count(value / seconds)}/s`
        if (payload.unknown) return `${what} ${count(value)}  ${rate}`
        const filled = Math.round(progress * (options.barsize ?? 24))
        const bar = '█'.repeat(filled).padEnd(options.barsize ?? 24, '░')
        const left = value === 0 ? '' : `  ${duration(((total - value) / value) * seconds * 1_000)} left`
        return `${what} ${bar} ${Math.floor(progress * 100)} %  ${count(value)}/${count(total)}  ${rate}${left}`
      },
    })
  }

  /** `total` undefined: nobody knows. */
  update(done: number, total: number | undefined): void {
    if (this.bar === undefined) return
    const payload = { unknown: total === undefined }
    if (!this.shown) this.bar.start(total ?? done, done, payload)
    this.shown = true
    this.bar.setTotal(Math.max(total ?? done, 1))
    this.bar.update(done, payload)
  }

  /** Takes it off the screen, for other words; the next update shows it again. */
  hide(): void {
    if (this.shown) this.bar?.stop()
    this.shown = false
  }

  [Symbol.dispose](): void {
    this.hide()
  }
}
