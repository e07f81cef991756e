import type { Row } from './compete.ts'
import type { Case } from './contender.ts'
import { rateText, sizeText } from './table.ts'

const WIDTH = 860
const LABELS = 270
const BAR = 15
const GAP = 4
const GROUP_GAP = 30
const TOP = 64
const VALUES = 130
const COLOURS = { bare: '#b8bcc2', ours: '#1f77b4', peer: '#e08a3c' }

/** A bar for each row, groups by shape; rates from the left, latencies as p50 within p99. A small SVG, no script, no font. */
export function plotOf(
  { title, unit }: Pick<Case, 'title' | 'unit'>,
  rows: readonly Row[],
  note: string,
): string {
  const scale = WIDTH - LABELS - VALUES
  const largest = Math.max(...rows.map(lengthOf))
  const parts: string[] = []
  let y = TOP
  let before = ''
  for (const row of rows) {
    const shape = `values of ${sizeText(row.shape.valueBytes)}, ${row.shape.batch.toLocaleString('en')} a batch`
    if (shape !== before) {
      y += before === '' ? 18 : GROUP_GAP
      parts.push(text(LABELS, y - 6, shape, 'start', 'font-weight="bold"'))
      before = shape
    }
    const width = (lengthOf(row) / largest) * scale
    const colour = COLOURS[kindOf(row)]
    parts.push(text(LABELS - 8, y + BAR - 4, row.contender, 'end'))
    if (row.latency === undefined) {
      parts.push(bar(LABELS, y, width, colour, 1))
    } else {
      parts.push(bar(LABELS, y, width, colour, 0.35))
      parts.push(bar(LABELS, y, (row.latency.p50 / largest) * scale, colour, 1))
    }
    parts.push(text(LABELS + width + 6, y + BAR - 4, figureOf(row), 'start'))
    y += BAR + GAP
  }
  const height = y + 20
  const heading = unit === 'ms' ? `${title}: p50 (dark) and p99 (light), ms` : `${title}: records a second`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(16, 26, heading, 'start', 'font-size="17" font-weight="bold"'),
    text(16, 46, note, 'start', 'fill="#555555"'),
    ...parts,
    '</svg>',
    '',
  ].join('\n')
}

function lengthOf(row: Row): number {
  return row.latency?.p99 ?? row.rate.median
}

function figureOf(row: Row): string {
  if (row.latency !== undefined) return `${row.latency.p50.toFixed(2)} / ${row.latency.p99.toFixed(2)}`
  const share =
    row.ratio === undefined || row.bare ? '' : ` (${(row.ratio * 100).toFixed(row.ratio < 0.1 ? 1 : 0)} %)`
  return rateText(row.rate.median) + share
}

function kindOf(row: Row): keyof typeof COLOURS {
  if (row.bare) return 'bare'
  return /^(log|memory|kafka)(,|$)/.test(row.contender) ? 'ours' : 'peer'
}

function bar(x: number, y: number, width: number, fill: string, opacity: number): string {
  return `<rect x="${x}" y="${y}" width="${Math.max(1, width).toFixed(1)}" height="${BAR}" fill="${fill}" opacity="${opacity}"/>`
}

function text(x: number, y: number, content: string, anchor: 'start' | 'end', more = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" ${more}>${escaped}</text>`
}
