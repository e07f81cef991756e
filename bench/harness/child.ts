// The process in which one contender works. Its parent sends one request at a time and gets one answer for each.
import type { Contender, ContenderModule, Round, Task, Work } from './contender.ts'

export type Request =
  | { readonly kind: 'open'; readonly contender: Contender; readonly task: Task }
  | { readonly kind: 'round'; readonly records: number }
  | { readonly kind: 'close' }

export type Answer =
  | { readonly kind: 'open' }
  | { readonly kind: 'round'; readonly round: Round }
  | { readonly kind: 'close'; readonly peakRssMiB: number }
  | { readonly kind: 'failed'; readonly message: string }

let work: Work | undefined

async function answer(request: Request): Promise<Answer> {
  if (request.kind === 'open') {
    const { open } = (await import(`../${request.contender.module}.ts`)) as ContenderModule
    work = await open(request.task)
    return { kind: 'open' }
  }
  if (request.kind === 'round') {
    globalThis.gc?.()
    return { kind: 'round', round: await work!.round(request.records) }
  }
  const peakRssMiB = work?.peakRssMiB?.() ?? process.resourceUsage().maxRSS / 1024
  await work?.close()
  return { kind: 'close', peakRssMiB }
}

// Its parent was interrupted: nobody waits any more.
process.on('disconnect', () => process.exit())

process.on('message', (request: Request) => {
  answer(request).then(
    (done) => {
      process.send?.(done)
      if (done.kind === 'close') process.disconnect()
    },
    (error) =>
      process.send?.({
        kind: 'failed',
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
  )
})
