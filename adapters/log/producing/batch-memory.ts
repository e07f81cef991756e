const BLOCK_BYTES = 2 * 1024 * 1024

/**
 * Memory for batches that are written when the call returns, and then used again. Only for a broker in this process.
 */
export class BatchMemory {
  #block: Buffer | undefined

  readonly allocate = (sizeBytes: number): Buffer => {
    if (sizeBytes > BLOCK_BYTES) return Buffer.allocUnsafeSlow(sizeBytes)
    this.#block ??= Buffer.allocUnsafeSlow(BLOCK_BYTES)
    return this.#block.subarray(0, sizeBytes)
  }
}
