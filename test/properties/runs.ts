/** Some seconds of each property; many more with MILLRACE_LONG. fast-check prints seed and path of what fails. */
export function runs(count: number): { numRuns: number } {
  return { numRuns: process.env.MILLRACE_LONG ? count * 20 : count }
}
