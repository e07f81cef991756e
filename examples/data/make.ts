/**
 * Makes `earthquakes.jsonl` from npm's vega-datasets: `node examples/data/make.ts`. One event a line, oldest first
 * (the feed has the newest first), the feature's properties flattened and its links left out.
 */
import { readFileSync, writeFileSync } from 'node:fs'

interface Feature {
  readonly id: string
  readonly properties: Readonly<Record<string, string | number | null>>
  readonly geometry: { readonly coordinates: readonly [number, number, number] }
}

/** Kept in this order. Left out: `url`, `detail`, `title`, `ids`, `sources`, `types`, `code`, which follow from the id or name other feeds. */
const KEPT = [
  ['time', 'updated', 'tz', 'net', 'mag', 'magType', 'place', 'type', 'status'],
  ['tsunami', 'sig', 'felt', 'cdi', 'mmi', 'alert', 'nst', 'dmin', 'rms', 'gap'],
].flat()

// vega-datasets exports its JavaScript only, so its data is found by place
const source = new URL('../../node_modules/vega-datasets/data/earthquakes.json', import.meta.url)
const feed = JSON.parse(readFileSync(source, 'utf8')) as { readonly features: readonly Feature[] }

const lines = [...feed.features]
  .sort((a, b) => Number(a.properties.time) - Number(b.properties.time) || (a.id < b.id ? -1 : 1))
  .map(({ id, properties, geometry }) => {
    const [longitude, latitude, depth] = geometry.coordinates
    const kept = Object.fromEntries(KEPT.map((name) => [name, properties[name]]))
    return `${JSON.stringify({ id, ...kept, longitude, latitude, depth })}\n`
  })
writeFileSync(new URL('earthquakes.jsonl', import.meta.url), lines.join(''))
console.log(`${lines.length} events`)
