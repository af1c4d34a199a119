// Runs the browser tests, two files at a time: node test/browser/run.js [NAME …]
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = dirname(fileURLToPath(import.meta.url))
const wanted = process.argv.slice(2)
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.test.js'))
  .filter((name) => wanted.length === 0 || wanted.includes(name.replace('.test.js', '')))
  .map((name) => join(folder, name))
if (files.length === 0) {
  console.error(`no browser test named ${wanted.join(' ')}`)
  process.exit(1)
}
const major = Number(process.versions.node.split('.')[0])
// Node 18 knows no limit: it runs as many files as there are processors less one.
const parallel = major >= 20 ? ['--test-concurrency=2'] : []
const { status } = spawnSync(process.execPath, ['--test', ...parallel, ...files], {
  stdio: 'inherit',
})
process.exit(status ?? 1)
