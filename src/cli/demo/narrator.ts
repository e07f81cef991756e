import { writeAll } from '../../tools/standard-output.ts'
import { Progress } from '../progress.ts'

/** Tells what happens, a line a step; silent where a machine wants the result alone. */
export class Narrator implements Disposable {
  private readonly silent: boolean
  private bar: Progress | undefined

  constructor({ silent }: { readonly silent: boolean }) {
    this.silent = silent
  }

  async say(what: string, text: string): Promise<void> {
    await this.write(`  ${what.padEnd(10)} ${text}\n`)
  }

  async write(text: string): Promise<void> {
    this.bar?.hide()
    if (!this.silent) await writeAll(text)
  }

  /** A bar below the lines, from here on. */
  begin(what: string): Progress {
    this.bar?.hide()
    this.bar = new Progress(what, { quiet: this.silent })
    return this.bar
  }

  [Symbol.dispose](): void {
    this.bar?.hide()
  }
}
