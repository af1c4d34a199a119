// A site and a browser for the tests of a file, and pages on which its administrator is signed in:
//   let site, open
//   before(async () => ({ site, open } = await openSite({ clients: 1 })))
//   after(closeSite)
import { launch, newPage, session } from './browser.js'
import { startSite } from './site.js'

let site, browser

/** options are startSite's. Answers {site, browser, open}: open(path, options) is a newPage there. */
export async function openSite(options) {
  await Promise.all([
    startSite(options).then((started) => (site = started)),
    launch().then((started) => (browser = started)),
  ])
  const storageState = await session(browser, site)
  async function open(path, options = {}) {
    const page = await newPage(browser, site, { storageState, ...options })
    await page.goto(path)
    return page
  }
  return { site, browser, open }
}

export async function closeSite() {
  await browser?.close()
  await site?.stop()
}
