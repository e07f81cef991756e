import { StreamError } from '../../../../src/driver.ts'

export type Platformatic = typeof import('@platformatic/kafka')

/** Loads @platformatic/kafka, which takes some tenths of a second, when it is first needed. UNSUPPORTED where it is not installed. */
export async function loadPlatformatic(): Promise<Platformatic> {
  try {
    return await import('@platformatic/kafka')
  } catch (cause) {
    throw new StreamError(
      'UNSUPPORTED',
      `driver=direct with SASL needs the package @platformatic/kafka, on Node 22.22, 24.6 or newer (this is ${process.version}): ` +
        'npm install @platformatic/kafka',
      { cause },
    )
  }
}
