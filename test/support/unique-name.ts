let made = 0

/** A name that no other test uses. */
export const uniqueName = (kind: string): string =>
  `${kind}-${process.pid.toString(36)}-${Date.now().toString(36)}-${++made}`
