/** The most bytes of state that fit, in base64, into the 4,096 that brokers take as an offset's metadata by default. */
export const MAX_STATE_BYTES = 3_000

const PREFIX = 'millrace:'

/** What the core keeps with a checkpoint, as the metadata of a committed offset. */
export function encodeState(state: Uint8Array): string {
  return state.length === 0 ? '' : PREFIX + Buffer.from(state).toString('base64')
}

/** Null for none, and for what some other client noted there. */
export function decodeState(metadata: string | null): Uint8Array | null {
  return metadata?.startsWith(PREFIX) ? Buffer.from(metadata.slice(PREFIX.length), 'base64') : null
}
