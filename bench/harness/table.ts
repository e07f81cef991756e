import type { Row } from './compete.ts'
import type { Case } from './contender.ts'

type Align = 'left' | 'right'

const LEFT = 2

/** The rows of one case as a markdown table, aligned for a terminal too. */
export function tableOf({ unit }: Pick<Case, 'unit'>, rows: readonly Row[]): string {
  const head = [
    'value × batch',
    '',
    ...(unit === 'ms' ? ['p50 ms', 'p99 ms'] : ['records/s', 'of bare', 'MB/s']),
  ]
  const requests = rows.some(({ requestsPerMillion }) => requestsPerMillion !== undefined)
  head.push('CPU s/M', 'peak MiB', requests ? 'requests/M' : 'survives')
  const body = rows.map((row, i) => {
    const before = rows[i - 1]
    const shape = before !== undefined && nameOf(before) === nameOf(row) ? '' : nameOf(row)
    const figures =
      row.latency !== undefined
        ? [row.latency.p50.toFixed(2), row.latency.p99.toFixed(2)]
        : [rateText(row.rate.median), ratioText(row), megabytes(row)]
    return [
      shape,
      row.bare ? `_${row.contender}_` : row.contender,
      ...figures,
      row.cpuSecondsPerMillion.toFixed(2),
      row.peakRssMiB.toFixed(0),
      requests ? requestsText(row) : (row.durability ?? ''),
    ]
  })
  return markdown([head, ...body], (column) =>
    column < LEFT || (column === head.length - 1 && !requests) ? 'left' : 'right',
  )
}

function nameOf({ shape }: Row): string {
  return `${sizeText(shape.valueBytes)} × ${shape.batch.toLocaleString('en')}`
}

export function sizeText(bytes: number): string {
  return bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`
}

/** Three significant digits with thousands apart. */
export function rateText(rate: number): string {
  return Number(rate.toPrecision(3)).toLocaleString('en')
}

function ratioText(row: Row): string {
  if (row.bare) return ''
  return row.ratio === undefined ? '–' : `${(row.ratio * 100).toFixed(row.ratio < 0.1 ? 1 : 0)} %`
}

function requestsText({ requestsPerMillion }: Row): string {
  return requestsPerMillion === undefined ? '–' : rateText(requestsPerMillion)
}

function megabytes({ rate, shape }: Row): string {
  return ((rate.median * shape.valueBytes) / 1e6).toFixed(rate.median * shape.valueBytes < 10e6 ? 1 : 0)
}

function markdown(lines: readonly (readonly string[])[], align: (column: number) => Align): string {
  const widths = lines[0]!.map((_, column) => Math.max(3, ...lines.map((line) => line[column]!.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (align(i) === 'left' ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`
  const rule = `|${widths.map((width, i) => (align(i) === 'left' ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [line(lines[0]!), rule, ...lines.slice(1).map(line)].join('\n')
}
