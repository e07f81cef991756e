import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')

/** What the files of a folder may import: own folder always, plus these prefixes (`npm:` for packages). First match counts. */
const rules: readonly {
  readonly files: RegExp
  readonly may: readonly RegExp[]
  readonly because: string
}[] = [
  {
    files: /^src\/formats\//,
    may: [/^src\/(formats\/|errors\.ts|record\.ts|position\.ts)/, /^npm:(@node-rs\/crc32|lz4-napi|snappy)$/],
    because: 'wire formats stand below everything: bytes in, bytes out',
  },
  {
    files: /^src\/connect\.ts$/,
    may: [/^src\/(?!cli\/|tools\/)/, /^adapters\/(log|memory|kafka|kinesis)\/index\.ts$/],
    because: 'connect.ts is the one place that names adapters',
  },
  {
    files: /^src\/cli\//,
    may: [/^src\/(index\.ts|cli\/|tools\/)/, /^npm:(commander|cli-progress)$/],
    because: 'the command line is a user of the public API',
  },
  {
    files: /^src\/tools\//,
    may: [/^src\/(index\.ts|tools\/)/],
    because: 'tools use the public API only',
  },
  {
    files: /^src\/driver\.ts$/,
    may: [/^src\/(capabilities|errors|logger|position|record)\.ts$/],
    because: 'the contract knows words, not machinery',
  },
  {
    files: /^src\//,
    may: [/^src\/(?!cli\/|tools\/|formats\/)/, /^npm:(@opentelemetry\/api|@standard-schema\/spec|p-queue)$/],
    because: 'the core is portable: no adapter, no SDK, no tool',
  },
  {
    files: /^adapters\/memory\//,
    may: [/^src\/(driver\.ts|formats\/)/, /^adapters\/(memory|log)\//],
    because: 'memory is the log without files',
  },
  {
    files: /^adapters\/log\//,
    may: [/^src\/(driver\.ts|formats\/)/, /^adapters\/log\//, /^npm:(fs-native-extensions|p-queue)$/],
    because: 'an adapter knows the contract, the formats and its SDK, never another adapter',
  },
  {
    files: /^adapters\/kafka\/wire\/kafkajs\//,
    may: [/^src\/(driver\.ts|formats\/)/, /^adapters\/kafka\//, /^npm:kafkajs$/],
    because: 'nothing of the client library leaks above the wire',
  },
  {
    files: /^adapters\/kafka\/wire\/platformatic\//,
    may: [/^src\/(driver\.ts|formats\/)/, /^adapters\/kafka\//, /^npm:@platformatic\/kafka$/],
    because: 'nothing of the client library leaks above the wire',
  },
  {
    files: /^adapters\/kafka\//,
    may: [/^src\/(driver\.ts|formats\/)/, /^adapters\/kafka\//, /^npm:(aws-msk-iam-sasl-signer-js|p-queue)$/],
    because: 'an adapter knows the contract, the formats and its SDK, never another adapter',
  },
  {
    files: /^adapters\/kinesis\//,
    may: [
      /^src\/(driver\.ts|formats\/)/,
      /^adapters\/kinesis\//,
      /^npm:(@aws-sdk\/(client-kinesis|client-dynamodb|credential-providers)|@smithy\/(node-http-handler|types)|p-queue)$/,
    ],
    because: 'an adapter knows the contract, the formats and its SDK, never another adapter',
  },
  {
    files: /^adapters\/([a-z]+)\//,
    may: [/^src\/(driver\.ts|formats\/)/, /^adapters\//],
    because: 'an adapter knows the contract, the formats and its SDK, never another adapter',
  },
  {
    files: /^test\/conformance\//,
    may: [/^src\/(index|driver)\.ts$/, /^test\/conformance\//],
    because: "the suite is shipped: it comes in by the users' door",
  },
]

function sourceFiles(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.m?ts$/.test(name))
    .map((name) => path.posix.join(folder, name.split(path.sep).join('/')))
}

/** What a file imports: project files by their path, packages as `npm:name`; Node's own modules are left out. */
function importsOf(file: string): string[] {
  const text = readFileSync(path.join(root, file), 'utf8')
  const found = text.matchAll(
    /(?:^|\s)(?:import|export)\b[^'"`;]*?from\s+'([^']+)'|(?:import|require)\(\s*'([^']+)'/g,
  )
  return [...found].flatMap((match) => {
    const name = match[1] ?? match[2] ?? ''
    if (name.startsWith('node:')) return []
    if (name.startsWith('.')) return [path.posix.join(path.posix.dirname(file), name)]
    return [`npm:${name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : name.split('/')[0]}`]
  })
}

const files = [...sourceFiles('src'), ...sourceFiles('adapters'), ...sourceFiles('test/conformance')]

describe('imports go one way', () => {
  test.each(files)('%s', (file) => {
    const rule = rules.find((each) => each.files.test(file))
    expect(rule, `${file} falls under no rule: name its layer`).toBeDefined()
    const refused = importsOf(file).filter((name) => !rule?.may.some((allowed) => allowed.test(name)))
    expect(refused, `${file}: ${rule?.because}`).toEqual([])
  })

  test('no file imports itself by way of others', () => {
    const circles: string[] = []
    const done = new Set<string>()
    const walk = (file: string, path: readonly string[]): void => {
      const at = path.indexOf(file)
      if (at >= 0) {
        circles.push([...path.slice(at), file].join(' -> '))
        return
      }
      if (done.has(file)) return
      for (const next of importsOf(file)) if (files.includes(next)) walk(next, [...path, file])
      done.add(file)
    }
    for (const file of files) walk(file, [])
    expect(circles).toEqual([])
  })

  test('the reader of imports sees what it should', () => {
    expect(importsOf('src/connect.ts')).toContain('adapters/log/index.ts')
    expect(importsOf('src/telemetry/telemetry.ts')).toContain('npm:@opentelemetry/api')
  })
})

describe('no file knows the machine it was written on', () => {
  test.each([...files, 'README.md', 'package.json', 'package-lock.json'])('%s', (file) => {
    const text = readFileSync(path.join(root, file), 'utf8')
    expect(text).not.toMatch(/registry\.npmjs|\/work\/|\/root\//)
  })
})
