// Chromium, and pages that notice what no page of ours may do: violate its Content-Security-Policy,
// write errors to the console, open a dialog, throw.
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { WAIT_MS } from './programs.js'
import { ADMIN } from './site.js'

const PLACES = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]
const NOT_OURS =
  /the server responded with a status of (4\d\d|503)|net::ERR_ABORTED|ERR_NETWORK_CHANGED/

export function launch() {
  const executablePath = PLACES.find((path) => path && existsSync(path))
  if (!executablePath) throw new Error('no Chromium: scripts/setup browser, or set CHROMIUM')
  // Chromium's sandbox cannot be had as root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath, args: [...args, '--disable-dev-shm-usage'] })
}

// Before any script of the page: the page itself counts what its policy refused.
function countViolations() {
  window.__violations = []
  document.addEventListener('securitypolicyviolation', (e) =>
    window.__violations.push(
      `${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`,
    ),
  )
}

function watch(page, problems) {
  page.on('console', (message) => {
    const text = message.text()
    if (/Content Security Policy/i.test(text)) problems.push(`CSP: ${text}`)
    else if (message.type() === 'error' && !NOT_OURS.test(text)) problems.push(`console: ${text}`)
  })
  page.on('pageerror', (error) => problems.push(`thrown: ${error.message}`))
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
}

/**
 * A page of its own session. options: theme ('light' | 'dark'), width, height, storageState.
 * page.problems is what was noticed; assertClean(page) of checks.js looks at it.
 */
export async function newPage(browser, site, options = {}) {
  const context = await browser.newContext({
    baseURL: site.url,
    colorScheme: options.theme ?? 'light',
    viewport: { width: options.width ?? 1440, height: options.height ?? 900 },
    storageState: options.storageState,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  context.setDefaultTimeout(WAIT_MS)
  const page = await context.newPage()
  page.problems = []
  watch(page, page.problems)
  await page.addInitScript(countViolations)
  return page
}

/** By the sign-in page; ends on the page that follows. */
export async function signIn(page, user = ADMIN, path = '/') {
  await page.goto(path === '/' ? '/login' : `/login?back=${encodeURIComponent(path)}`)
  await page.getByLabel('User name').fill(user.username)
  await page.getByLabel('Password', { exact: true }).fill(user.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL((url) => url.pathname !== '/login')
}

/** Signs in once; newPage(…, {storageState}) then begins signed in. */
export async function session(browser, site, user = ADMIN) {
  const page = await newPage(browser, site)
  await signIn(page, user)
  const state = await page.context().storageState()
  await page.context().close()
  return state
}
