// What happens to a page that is open: its session ends, another page of the browser signs out, the rights
// change, the server goes away.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, newPage, session, signIn } from './lib/browser.js'
import { assertAccessible, assertAll, assertClean } from './lib/checks.js'
import { ADMIN, startSite } from './lib/site.js'

let site, browser
before(async () => {
  ;[site, browser] = await Promise.all([startSite({ clients: 2 }), launch()])
})
after(async () => {
  await browser?.close()
  await site?.stop()
})

const live = (page) => page.getByText('Live', { exact: true }).waitFor()
const endSessions = () => site.api('DELETE', `/users/${ADMIN.username}/sessions`)
const again = (page) => page.getByRole('dialog', { name: 'Sign in' })

test('what was typed is still there after signing in again', async () => {
  const page = await newPage(browser, site)
  await signIn(page, ADMIN, '/library')
  await live(page)
  await page.getByRole('button', { name: 'Add script' }).click()
  const form = page.getByRole('dialog', { name: 'Add script' })
  await form.getByLabel('Name', { exact: true }).fill('half an hour of work')
  await endSessions()
  await again(page).getByText('Your session has ended.').waitFor()
  await assertAccessible(page, 'sign in again')
  const where = new URL(page.url()).pathname
  assert.equal(where, '/library')
  // Neither Escape nor going back leads past it.
  await page.keyboard.press('Escape')
  assert.equal(await again(page).getByLabel('User name').inputValue(), ADMIN.username)
  await page.keyboard.type('wrong')
  await page.keyboard.press('Enter')
  await again(page).getByText('User name or password is wrong.').waitFor()
  await again(page).getByLabel('Password', { exact: true }).fill(ADMIN.password)
  await page.keyboard.press('Enter')
  await again(page).waitFor({ state: 'detached' })
  await live(page)
  assert.equal(await form.getByLabel('Name', { exact: true }).inputValue(), 'half an hour of work')
  await form.getByRole('textbox', { name: 'Script' }).fill('echo it is kept')
  await form.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('row', { name: /half an hour of work/ }).waitFor()
  await assertAll(page, 'library after signing in again')
  await page.context().close()
})

test('nobody else goes on with what is on the page', async () => {
  site.addUser('dora', 'the password of dora', ['staff'])
  await site.api('GET', '/users')
  const page = await newPage(browser, site)
  await signIn(page, ADMIN, '/users')
  await page.getByRole('gridcell', { name: 'dora', exact: true }).waitFor()
  await live(page)
  await endSessions()
  await again(page).getByLabel('User name').fill('dora')
  await again(page).getByLabel('Password', { exact: true }).fill('the password of dora')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  assert.equal(new URL(page.url()).pathname, '/')
  assert.equal(await page.getByRole('link', { name: 'Users' }).count(), 0)
  await assertClean(page)
  await page.context().close()
})

test('signing out and in counts for all pages of the browser', async () => {
  const one = await newPage(browser, site)
  await signIn(one, ADMIN, '/profile')
  const two = await one.context().newPage()
  await two.goto('/clients')
  await two.getByRole('heading', { name: 'Clients' }).waitFor()
  await one.getByRole('button', { name: 'admin: signed in' }).click()
  await one.getByRole('menuitem', { name: 'Sign out' }).click()
  await Promise.all([one, two].map((page) => page.waitForURL(/\/login$/)))
  await signIn(one, ADMIN, '/profile')
  await two.getByRole('heading', { name: 'Overview' }).waitFor()
  await one.context().close()
})

test('a page that is no longer for its user is left when his rights change', async () => {
  const all = { auditlog: true, commands: true, monitoring: true, scheduler: true }
  const permissions = { ...all, scripts: true, tunnels: true, uploads: true, vault: true }
  await site.api('PUT', '/user-groups/movers', { permissions })
  await site.api('POST', '/users', {
    username: 'erik',
    password: 'the password of erik',
    groups: ['movers'],
  })
  const page = await newPage(browser, site)
  await signIn(page, { username: 'erik', password: 'the password of erik' }, '/tunnels')
  await page.getByText('No tunnel is open').waitFor()
  await live(page)
  const fewer = { permissions: { ...permissions, tunnels: false } }
  await site.api('PUT', '/user-groups/movers', fewer)
  await page.getByRole('heading', { name: 'Not for this account' }).waitFor()
  assert.equal(await page.getByRole('link', { name: 'Tunnels' }).count(), 0)
  await assertAll(page, 'not for this account')
  await page.context().close()
})

test('who may run scripts alone is asked for nothing that he may not', async () => {
  await site.api('PUT', '/user-groups/writers', { permissions: { scripts: true } })
  await site.api('POST', '/users', {
    username: 'fred',
    password: 'the password of fred',
    groups: ['writers', 'staff'],
  })
  for (const id of ['machine-1', 'machine-2'])
    await site.api('POST', `/clients/${id}/acl`, { allowed_user_groups: ['staff'] })
  const page = await newPage(browser, site)
  const refused = []
  page.on('response', (answer) => answer.status() === 403 && refused.push(answer.url()))
  await signIn(page, { username: 'fred', password: 'the password of fred' })
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.getByRole('link', { name: 'Library' }).click()
  await page.getByRole('tab', { name: 'Scripts' }).waitFor()
  assert.equal(await page.getByRole('tab', { name: 'Commands' }).count(), 0)
  await assertAll(page, 'library of scripts')
  await page.goto('/clients/machine-1/run')
  await page.getByRole('textbox', { name: 'Script' }).waitFor()
  await assertAll(page, 'scripts on one client')
  await page.goto('/jobs/new')
  await page.getByRole('textbox', { name: 'Script' }).fill('echo hello')
  await page.getByRole('combobox', { name: 'Clients' }).fill('machine-1')
  await page.getByRole('option', { name: /machine-1/ }).click()
  await page.getByText('1 client, 1 of them connected now.').waitFor()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await page.getByText('The job has started').first().waitFor()
  await assertAll(page, 'a job of scripts')
  assert.deepEqual(refused, [])
  await page.context().close()
})

test('a page says that the server is away, and stays', async () => {
  const page = await newPage(browser, site, { storageState: await session(browser, site) })
  await page.goto('/clients/machine-1/settings')
  await page.getByRole('button', { name: 'Save' }).first().waitFor()
  await live(page)
  await site.server.stop()
  await page.getByText('No connection to the server').waitFor()
  await assertAccessible(page, 'server away')
  // What was not loaded yet cannot be: the page says so and is not left for the browser's own.
  await page.getByRole('tab', { name: 'Files' }).click()
  await page.getByText('A part of the page could not be loaded').waitFor()
  await page.getByRole('link', { name: 'Server', exact: true }).click()
  await page.getByText('The server does not answer').first().waitFor()
  assert.match(page.url(), /\/clients\/machine-1/)
  await page.getByRole('heading', { name: 'machine-1' }).waitFor()
  await page.context().close()
})
