// Signing in and out, the frame, the pages that everybody has.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, newPage, signIn } from './lib/browser.js'
import { assertAll, assertClean } from './lib/checks.js'
import { ADMIN, startSite } from './lib/site.js'

let site, browser
before(async () => {
  ;[site, browser] = await Promise.all([startSite({ clients: 1 }), launch()])
})
after(async () => {
  await browser?.close()
  await site?.stop()
})

test('a wrong password is told, a right one leads where one wanted to go', async () => {
  const page = await newPage(browser, site)
  await page.goto('/no/such/page?x=1')
  await page.waitForURL(/\/login\?back=/)
  await assertAll(page, 'sign-in page')
  await page.getByLabel('User name').fill(ADMIN.username)
  await page.getByLabel('Password', { exact: true }).fill('wrong')
  await page.keyboard.press('Enter')
  await page.getByText('User name or password is wrong.').waitFor()
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/no\/such\/page\?x=1$/)
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor()
  await assertAll(page, 'not-found page')
  await page.context().close()
})

test('script cannot read the token, and signing out ends the session on the server', async () => {
  const page = await newPage(browser, site)
  await signIn(page)
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  assert.equal(await page.evaluate(() => document.cookie), '')
  const stored = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))
  assert.doesNotMatch(stored, /eyJ|token/)
  const [cookie] = await page.context().cookies()
  assert.ok(cookie.httpOnly && cookie.sameSite === 'Strict' && cookie.path === '/api/v1')
  const me = (headers) => fetch(`${site.url}/api/v1/me`, { headers })
  const stolen = { Cookie: `${cookie.name}=${cookie.value}` }
  assert.equal((await me(stolen)).status, 200)
  await page.reload()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.getByRole('button', { name: 'admin: signed in' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.waitForURL(/\/login$/)
  assert.equal((await me(stolen)).status, 401)
  await page.goto('/')
  await page.waitForURL(/\/login$/)
  await assertClean(page)
  await page.context().close()
})

test('whoever finds his session over signs in and is where he wanted to go', async () => {
  const page = await newPage(browser, site)
  await signIn(page, ADMIN, '/profile')
  await page.getByText('Live', { exact: true }).waitFor()
  await page.goto('about:blank')
  await site.api('DELETE', `/users/${ADMIN.username}/sessions`)
  await page.goto('/profile')
  await page.waitForURL(/\/login\?back=\/profile/)
  await page.getByText('Your session has ended.').waitFor()
  await page.context().close()
})
