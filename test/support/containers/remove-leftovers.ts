import { getContainerRuntimeClient } from 'testcontainers'

/** Ends containers with this label whose run is gone: the label's value is the id of the run's process. */
export async function removeLeftovers(label: string): Promise<void> {
  const { container } = await getContainerRuntimeClient()
  for (const info of await container.list()) {
    const run = info.Labels[label]
    if (run === undefined || isRunning(Number(run))) continue
    await container.remove(container.getById(info.Id), { removeVolumes: true }).catch(() => {})
  }
}

function isRunning(process_: number): boolean {
  try {
    process.kill(process_, 0)
    return true
  } catch {
    return false
  }
}
