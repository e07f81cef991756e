import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const KCL = '3.5.1'
const KPL = '1.1.1'

const dependency = (group: string, artifact: string, version: string): string =>
  `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>millrace</groupId><artifactId>tools</artifactId><version>1</version>
  <dependencies>
    ${dependency('software.amazon.kinesis', 'amazon-kinesis-client', KCL)}
    ${dependency('software.amazon.kinesis', 'amazon-kinesis-producer', KPL)}
    ${/* KPL was made with a newer one than KCL brings. */ dependency('com.google.protobuf', 'protobuf-java', '4.29.3')}
    ${dependency('org.slf4j', 'slf4j-simple', '2.0.13')}
  </dependencies>
</project>`

/**
 * A class path of KCL, KPL and the programs of a folder; or why there is none. The libraries are fetched once and shared between runs, the
 * programs compiled under the name given. With REQUIRE_DOCKER=1 a download that fails throws: what is there to be tested must be tested.
 */
export function kinesisClasses(folder: string, name: string): { classPath: string } | { missing: string } {
  for (const tool of ['java', 'javac', 'mvn']) {
    if (spawnSync(tool, ['-version']).status !== 0) return { missing: `${tool} is not on PATH` }
  }
  const cache = path.join(os.homedir(), '.cache', 'millrace-test', `kinesis-${KCL}-${KPL}`)
  const jars = path.join(cache, 'libs')
  fs.mkdirSync(cache, { recursive: true })
  const work = fs.mkdtempSync(path.join(cache, 'work-'))
  try {
    if (!fs.existsSync(path.join(cache, 'complete'))) {
      fs.writeFileSync(path.join(work, 'pom.xml'), POM)
      const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`]
      execFileSync('mvn', ['-q', '-B', ...goal], {
        cwd: work,
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 300_000,
      })
      // Several test runs may fetch at once: the same files, and this one last.
      fs.writeFileSync(path.join(cache, 'complete'), '')
    }
    const sources = fs.readdirSync(folder).filter((file) => file.endsWith('.java'))
    const classes = path.join(cache, `${name}-classes`)
    execFileSync('javac', ['-nowarn', '-d', classes, '-cp', path.join(jars, '*'), ...sources], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
    })
    return { classPath: `${classes}${path.delimiter}${path.join(jars, '*')}` }
  } catch (error) {
    if (process.env.REQUIRE_DOCKER === '1') throw error
    return { missing: `KCL could not be fetched and compiled: ${(error as Error).message}` }
  } finally {
    fs.rmSync(work, { recursive: true, force: true })
  }
}
