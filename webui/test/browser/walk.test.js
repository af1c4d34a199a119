// Every page there is, with data on it: accessible, within its window, within its policy. Both themes
// and both widths come up; each page is seen in two of the four.
import { after, before, test } from 'node:test'
import { launch } from './lib/browser.js'
import { assertAll } from './lib/checks.js'
import { startShowcase, walk } from './lib/walk.js'

let show, browser
before(async () => {
  ;[show, browser] = await Promise.all([startShowcase(), launch()])
})
after(async () => {
  await browser?.close()
  await show?.site.stop()
})

for (const [theme, width] of [
  ['light', 1440],
  ['dark', 360],
])
  test(`all pages, ${theme}, ${width} px wide`, async (t) => {
    const visit = (page, entry) =>
      t.test(entry.name, () => assertAll(page, `${entry.name}, ${theme}, ${width}`))
    await walk(browser, show, visit, { themes: [theme], widths: [width] })
  })
