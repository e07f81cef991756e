import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const VERSION = '4.2.0'

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>millrace</groupId><artifactId>tools</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version>
  </dependency></dependencies>
</project>`

/**
 * The folder with Apache Kafka's jars, fetched once and shared between runs; a string that begins with `no ` says why there
 * are none. With REQUIRE_DOCKER=1 a download that fails throws: what is there to be tested must be tested.
 */
export function kafkaJars(): { jars: string } | { missing: string } {
  for (const tool of ['java', 'mvn']) {
    if (spawnSync(tool, ['-version']).status !== 0) return { missing: `${tool} is not on PATH` }
  }
  const cache = path.join(os.homedir(), '.cache', 'millrace-test', `kafka-${VERSION}`)
  const jars = path.join(cache, 'libs')
  if (fs.existsSync(path.join(cache, 'complete'))) return { jars }
  fs.mkdirSync(cache, { recursive: true })
  const work = fs.mkdtempSync(path.join(cache, 'fetch-'))
  try {
    fs.writeFileSync(path.join(work, 'pom.xml'), POM)
    execFileSync(
      'mvn',
      ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`],
      { cwd: work, stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 },
    )
    // Several test runs may fetch at once: the same files, and this one last.
    fs.writeFileSync(path.join(cache, 'complete'), '')
    return { jars }
  } catch (error) {
    if (process.env.REQUIRE_DOCKER === '1') throw error
    return { missing: `Maven could not fetch Kafka's jars: ${(error as Error).message}` }
  } finally {
    fs.rmSync(work, { recursive: true, force: true })
  }
}

/** What `kafka.tools.DumpLogSegments --deep-iteration` prints about these files. */
export function dumpLogSegments(jars: string, files: readonly string[]): { stdout: string; stderr: string } {
  const result = spawnSync(
    'java',
    [
      '-cp',
      path.join(jars, '*'),
      'kafka.tools.DumpLogSegments',
      '--deep-iteration',
      '--print-data-log',
      '--files',
      files.join(','),
    ],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  )
  if (result.status !== 0) throw new Error(`DumpLogSegments failed: ${result.stdout}\n${result.stderr}`)
  // Kafka's jars bring no logging configuration, which log4j remarks on.
  const stderr = result.stderr
    .split('\n')
    .filter((line) => line !== '' && !/log4j|SLF4J|StatusLogger/i.test(line))
  return { stdout: result.stdout, stderr: stderr.join('\n') }
}
