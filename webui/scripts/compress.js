// Writes FILE.br and FILE.gz beside each built file, and fails when a first visit would load too
// much: the entry page with everything that it names, the frame and the sign-in page.
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const FIRST_LOAD_MAX = 400_000
const dist = process.argv[2]
const manifestPath = join(dist, '../manifest.json')

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesBelow(path) : [path]
  })
}

function compress(path) {
  const bytes = readFileSync(path)
  const br = brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  })
  writeFileSync(`${path}.br`, br)
  writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
  return br.length
}

// Not part of what is served.
renameSync(join(dist, 'manifest.json'), manifestPath)
const files = filesBelow(dist).filter((path) => !/\.(br|gz)$/.test(path))
const sizes = new Map(files.map((path) => [relative(dist, path), compress(path)]))
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'))

// What the browser fetches for a chunk: itself, its styles, what it imports.
function fetched(name, into = new Set()) {
  const chunk = manifest[name]
  if (!chunk || into.has(chunk.file)) return into
  into.add(chunk.file)
  for (const file of [...(chunk.css ?? []), ...(chunk.assets ?? [])]) into.add(file)
  for (const next of chunk.imports ?? []) fetched(next, into)
  return into
}

const first = fetched('index.html')
for (const page of ['src/layout/AppLayout.vue', 'src/pages/overview/OverviewPage.vue'])
  fetched(page, first)
let total = sizes.get('index.html')
for (const file of first) total += sizes.get(file) ?? 0
const all = [...sizes.values()].reduce((sum, n) => sum + n, 0)
const kb = (n) => `${Math.round(n / 1000)} kB`
console.log(
  `webui: first load ${kb(total)} compressed (at most ${kb(FIRST_LOAD_MAX)}), all ${kb(all)}`,
)
if (total > FIRST_LOAD_MAX) process.exit(1)
