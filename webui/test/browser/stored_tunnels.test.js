// Stored tunnels over all clients: found, opened, changed and deleted, and seen by those who may.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { session } from './lib/browser.js'
import { assertAll } from './lib/checks.js'
import { closeSite, openSite } from './lib/open.js'

let site, browser, open, cellar
before(async () => {
  ;({ site, browser, open } = await openSite())
})
after(closeSite)

const PATH = '/tunnels?view=stored'
const store = (id, body) => site.api('POST', `/clients/${id}/stored-tunnels`, body)
const rows = (page) => page.getByRole('row').filter({ has: page.getByRole('gridcell') })
const rowOf = (page, name) => page.getByRole('row', { name })

test('nothing is stored', async () => {
  const page = await open('/tunnels', { width: 360, height: 800, theme: 'dark' })
  await page.getByRole('tab', { name: 'Stored' }).click()
  await page.waitForURL((url) => url.search === '?view=stored')
  await page.getByText('Nothing stored').waitFor()
  await assertAll(page, 'nothing stored')
  await page.context().close()
})

test('they are found, by words, states, order and page', async () => {
  await site.addClient('web-1', { name: 'Shop' })
  cellar = await site.addClient('db-1', { name: 'Cellar' })
  await store('web-1', {
    name: 'Router',
    scheme: 'https',
    remote_ip: '192.168.1.1',
    remote_port: 443,
  })
  await store('web-1', { name: 'Shell', scheme: 'ssh', remote_port: 22, acl: '127.0.0.1' })
  const page = await open(PATH)
  await rowOf(page, /Router.*192\.168\.1\.1:443/).waitFor()
  await assertAll(page, 'two stored')

  // What others store comes by itself.
  for (let i = 10; i < 35; i++)
    await store('db-1', { name: `Table ${i}`, scheme: 'postgres', remote_port: 5400 + i })
  await page.getByText('1–25 of 27').waitFor()
  await page.getByRole('button', { name: 'Next' }).click()
  await rowOf(page, /Shell.*Shop/).waitFor()
  assert.equal(await rows(page).count(), 2)
  await page.getByRole('button', { name: 'Name', exact: true }).click()
  await rowOf(page, /Router.*Shop/).waitFor()
  assert.match(await rows(page).first().innerText(), /Router/)

  const search = page.getByRole('searchbox', { name: 'Search stored tunnels' })
  await search.fill('5411')
  await rowOf(page, /Table 11.*Cellar/).waitFor()
  await rowOf(page, /Router/).waitFor({ state: 'detached' })
  await search.fill('nowhere')
  await page.getByText('No stored tunnel matches').waitFor()
  await search.fill('shop')
  await rowOf(page, /Router/).waitFor()
  assert.equal(await rows(page).count(), 2)

  // So does that a client goes.
  await page.getByLabel('State').selectOption('Disconnected')
  await page.getByText('No stored tunnel matches').waitFor()
  await search.fill('table')
  await cellar.stop()
  const gone = rowOf(page, /Table 10.*Cellar/)
  await gone.waitFor()
  assert.equal(await gone.getByRole('link', { name: 'Open' }).count(), 0)
  await assertAll(page, 'of a client that is gone')
  await gone.getByRole('link', { name: 'Cellar' }).click()
  await page.waitForURL(/\/clients\/db-1\/tunnels$/)
  await rowOf(page, /Table 34/).waitFor()
  await page.context().close()
})

test('one is changed, opened and deleted', async () => {
  const page = await open(PATH, { width: 360, height: 800, theme: 'dark' })
  await page.getByRole('searchbox').fill('shop')
  const menu = page.getByRole('button', { name: 'Actions for the stored tunnel Shell · Shop' })
  await menu.click()
  await page.getByRole('menuitem', { name: 'Change …' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Host', { exact: true }).fill('10.9.8.7')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByText('10.9.8.7:22').waitFor()
  await assertAll(page, 'stored, narrow')

  await rowOf(page, /Shell/).getByRole('link', { name: 'Open' }).click()
  await page.waitForFunction(() => document.querySelector('[role=combobox]')?.value === 'Shop')
  assert.equal(await page.getByLabel('Host', { exact: true }).inputValue(), '10.9.8.7')
  await page.getByRole('button', { name: 'Remove 127.0.0.1' }).waitFor()
  await page.goto(PATH)
  await page.getByRole('searchbox').fill('shop')

  await menu.click()
  await page.getByRole('menuitem', { name: 'Delete …' }).click()
  await dialog.getByText('Shell · Shop').waitFor()
  await assertAll(page, 'deleting')
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await menu.waitFor({ state: 'detached' })
  const { data } = await site.api('GET', '/clients/web-1/stored-tunnels')
  assert.deepEqual(
    data.map(({ name }) => name),
    ['Router'],
  )
  await page.context().close()
})

test('everybody sees those of his clients, and nothing without the permission', async () => {
  const password = 'only looking around 7'
  site.addGroup('Diggers', { tunnels: true })
  site.addGroup('Lookers', { monitoring: true })
  site.addUser('digger', password, ['Diggers'])
  site.addUser('looker', password, ['Lookers'])
  await site.api('POST', '/clients/web-1/acl', { allowed_user_groups: ['Diggers', 'Lookers'] })
  const as = async (username) =>
    open(PATH, { storageState: await session(browser, site, { username, password }) })

  const page = await as('digger')
  await rowOf(page, /Router.*Shop/).waitFor()
  assert.equal(await rows(page).count(), 1)
  await assertAll(page, 'digger')
  await page.context().close()

  const other = await as('looker')
  await other.getByRole('heading', { level: 1 }).waitFor()
  assert.equal(await other.getByRole('link', { name: 'Tunnels' }).count(), 0)
  assert.equal(await other.getByText('Router').count(), 0)
  await assertAll(other, 'looker')
  await other.context().close()
})
