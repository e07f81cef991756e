import type { Acknowledgement } from '../driver.ts'
import type { SendResult, SendResults } from './producer.ts'

/** Results `from … from + length - 1` of an acknowledgement, made when asked for. */
export class AcknowledgedResults implements SendResults {
  readonly length: number
  private readonly acknowledgement: Acknowledgement
  private readonly from: number

  constructor(acknowledgement: Acknowledgement, from: number, length: number) {
    this.acknowledgement = acknowledgement
    this.from = from
    this.length = length
  }

  at(index: number): SendResult {
    if (!(index >= 0 && index < this.length)) throw new RangeError(`no result ${index} of ${this.length}`)
    const i = this.from + index
    return { partition: this.acknowledgement.partition(i), position: this.acknowledgement.position(i) }
  }

  *[Symbol.iterator](): Iterator<SendResult> {
    for (let i = 0; i < this.length; i++) yield this.at(i)
  }
}
