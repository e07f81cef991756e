/** Numbers, sizes and tables as people read them. */

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** "1 record", "2 records". */
export function counted(value: number, what: string): string {
  return `${count(value)} ${what}${value === 1 ? '' : 's'}`
}

export function bytes(value: number): string {
  if (value < 1_000) return `${Math.round(value)} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  let size = value / 1_000
  while (size >= 999.5 && units.length > 1) {
    size /= 1_000
    units.shift()
  }
  return `${size.toFixed(size < 10 ? 1 : 0)} ${units[0]}`
}

export function duration(millis: number): string {
  if (millis === 0) return '0 s'
  if (millis < 950) return `${Math.max(1, Math.round(millis))} ms`
  const seconds = millis / 1_000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h ${Math.round((seconds % 3_600) / 60)} min`
  return `${(seconds / 86_400).toFixed(1)} days`
}

export function time(millis: number): string {
  return new Date(millis).toISOString()
}

/** Columns under headings; those whose cells are all numbers stand to the right. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i]!.length)))
  const numeric = headings.map(
    (_, i) => rows.length > 0 && rows.every((row) => /^[\d,.]*( \w+)?$|^-$/.test(row[i]!)),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (numeric[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  return `${[headings.map((heading) => heading.toUpperCase()), ...rows].map(line).join('\n')}\n`
}
