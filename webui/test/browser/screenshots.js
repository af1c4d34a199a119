// Every page in both themes and two widths: node test/browser/screenshots.js [NAME-OF-PAGE …]
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { launch } from './lib/browser.js'
import { startShowcase, walk } from './lib/walk.js'

const folder = resolve('../build/screenshots')
mkdirSync(folder, { recursive: true })
const wanted = process.argv.slice(2)
const [browser, show] = await Promise.all([launch(), startShowcase()])
const pages = show.pages.filter((entry) => wanted.length === 0 || wanted.includes(entry.name))
try {
  await walk(browser, { ...show, pages }, (page, entry, { theme, width }) =>
    page.screenshot({ path: join(folder, `${entry.name}-${theme}-${width}.png`), fullPage: true }),
  )
  console.log(`${pages.length} pages are in build/screenshots`)
} finally {
  await browser.close()
  await show.site.stop()
}
