// All pages: test/browser/pages/<area>.js says which there are. What walks over them (screenshots,
// axe) needs no list of its own.
//
//   export const pages = [{ name: 'clients', path: '/clients', open: async (page, site) => … }]
//   export async function setup(site) { … }      // data that the pages show; may set site.<area>
//
// path may be a function of the site; open does what has to be done once the page is there (a tab, a
// dialog); user 'nobody' is not signed in.
import { readdirSync } from 'node:fs'
import { newPage, session } from './browser.js'
import { settled } from './checks.js'
import { startSite } from './site.js'

export const THEMES = ['light', 'dark']
export const WIDTHS = [360, 1440]

async function areas() {
  const folder = new URL('../pages/', import.meta.url)
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'))
  return Promise.all(files.sort().map((name) => import(new URL(name, folder))))
}

// What a small company might have.
const MACHINES = [
  { id: 'web-01', name: 'Shop front', tags: ['web', 'prod'], labels: { city: 'Cologne' } },
  { id: 'db-01', name: 'Orders database', tags: ['db', 'prod'], labels: { city: 'Cologne' } },
  { id: 'kiosk-7', name: 'Kiosk 7', tags: ['kiosk'], labels: { city: 'Porto' } },
]

/** A site with data on every page; answers {site, pages}. */
export async function startShowcase(options = {}) {
  const clients = MACHINES.map((machine) => ({ ...machine, updates: true }))
  const site = await startSite({ clients, ...options })
  try {
    const list = await areas()
    for (const area of list) await area.setup?.(site)
    return { site, pages: list.flatMap((area) => area.pages) }
  } catch (error) {
    await site.stop()
    throw error
  }
}

/** Calls visit(page, entry, {theme, width}) on each page in the themes and widths. */
export async function walk(
  browser,
  { site, pages },
  visit,
  { themes = THEMES, widths = WIDTHS } = {},
) {
  const signedIn = await session(browser, site)
  for (const theme of themes) {
    for (const width of widths) {
      const options = { theme, width, height: width < 600 ? 780 : 900 }
      const tabs = {
        admin: await newPage(browser, site, { ...options, storageState: signedIn }),
        nobody: await newPage(browser, site, options),
      }
      for (const entry of pages) {
        const page = tabs[entry.user ?? 'admin']
        await page.goto(typeof entry.path === 'function' ? entry.path(site) : entry.path)
        await settled(page)
        await entry.open?.(page, site)
        await settled(page)
        await visit(page, entry, { theme, width })
      }
      await Promise.all(Object.values(tabs).map((page) => page.context().close()))
    }
  }
}
