import { getContainerRuntimeClient } from 'testcontainers'

const BIN = '/opt/kafka/bin'

export interface ToolRun {
  readonly output: string
  /** Of the whole process, the start of its virtual machine included. */
  readonly cpuSeconds: number
  readonly peakRssMiB: number
}

/** Runs one of Apache's scripts in the broker's container; bash tells what it took. */
export async function runTool(container: string, script: string, args: readonly string[]): Promise<ToolRun> {
  const { container: docker } = await getContainerRuntimeClient()
  const command = [`${BIN}/${script}`, ...args].map((arg) => `'${arg}'`).join(' ')
  // The script becomes the virtual machine by `exec`, so its number is that of the background job.
  const watched = [
    `export KAFKA_OPTS= KAFKA_JMX_OPTS= JMX_PORT=; ${command} & pid=$!`,
    'while kill -0 $pid 2>/dev/null; do',
    '  while read -r name value _; do [ "$name" = VmHWM: ] && peak=$value; done 2>/dev/null </proc/$pid/status',
    '  sleep 0.1',
    'done',
    'wait $pid; code=$?; echo "PEAK $peak"; times; exit $code',
  ].join('\n')
  const { output, exitCode } = await docker.exec(docker.getById(container), ['bash', '-c', watched])
  if (exitCode !== 0) throw new Error(`${script} ended with ${exitCode}: ${output.slice(-2_000)}`)
  const children = output.trim().split('\n').at(-1)!
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => Number(m) * 60 + Number(s))
  return {
    output,
    cpuSeconds: seconds.reduce((sum, part) => sum + part, 0),
    peakRssMiB: Number(/^PEAK (\d+)/m.exec(output)?.[1] ?? 0) / 1024,
  }
}
