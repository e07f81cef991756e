/**
 * A few sends under way at once, settled in the order in which they were made: what `onSettled` has been told of is a gapless
 * beginning of the input, which is what one resumes after.
 */
export class Acknowledgements<T, R> {
  private readonly limit: number
  private readonly onSettled: (item: T, result: R) => void | Promise<void>
  private readonly waiting: { item: T; sent: Promise<R> }[] = []

  constructor(limit: number, onSettled: (item: T, result: R) => void | Promise<void>) {
    this.limit = limit
    this.onSettled = onSettled
  }

  /** How many sends are under way. */
  get pending(): number {
    return this.waiting.length
  }

  /** Waits until there is room for another send. Rejects as the oldest one did. */
  async room(): Promise<void> {
    while (this.waiting.length >= this.limit) await this.settleOldest()
  }

  add(item: T, sent: Promise<R>): void {
    sent.catch(() => {}) // its turn comes in settleOldest
    this.waiting.push({ item, sent })
  }

  /** Resolves when all have settled; rejects as the first that failed did. What came after it is not told of. */
  async drain(): Promise<void> {
    while (this.waiting.length > 0) await this.settleOldest()
  }

  /** Waits for what is under way and tells of nothing: after a failure. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.waiting.splice(0).map(({ sent }) => sent))
  }

  private async settleOldest(): Promise<void> {
    const oldest = this.waiting[0]!
    const result = await oldest.sent
    this.waiting.shift()
    await this.onSettled(oldest.item, result)
  }
}
