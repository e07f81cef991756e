import { getContainerRuntimeClient } from 'testcontainers'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** Whether a Docker engine answers: container suites run only then. */
    docker: boolean
  }
}

/** Asks for a Docker engine once a run. With REQUIRE_DOCKER=1 the run fails where none answers. */
export default async function setup(project: TestProject): Promise<void> {
  const problem = await dockerProblem()
  if (problem !== undefined && process.env.REQUIRE_DOCKER === '1') {
    throw new Error(`REQUIRE_DOCKER=1, and no Docker engine answers: ${problem}`)
  }
  if (problem !== undefined) console.log('No Docker engine answers: the container suites are left out.')
  project.provide('docker', problem === undefined)
}

async function dockerProblem(): Promise<string | undefined> {
  try {
    await getContainerRuntimeClient()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
