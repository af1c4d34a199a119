// The list of clients: search, filters, views, tags and deletion of several.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertAll } from './lib/checks.js'
import { closeSite, openSite } from './lib/open.js'

const CLIENTS = [
  { id: 'web-1', name: 'web-frankfurt', tags: ['web', 'frankfurt'], labels: { city: 'Frankfurt' } },
  { id: 'web-2', name: 'web-berlin', tags: ['web', 'berlin'], labels: { city: 'Berlin' } },
  { id: 'db-1', name: 'db-berlin', tags: ['db', 'berlin'] },
]
let site, open
before(async () => {
  ;({ site, open } = await openSite({ clients: CLIENTS }))
})
after(closeSite)

const openList = async (path = '/clients', options = {}) => {
  const page = await open(path, options)
  await page.getByRole('heading', { name: 'Clients' }).waitFor()
  return page
}
const names = async (page, wanted) => {
  await page
    .getByRole('status')
    .filter({ hasText: `${wanted.length} client` })
    .waitFor()
  const links = page.getByRole('grid', { name: 'Clients' }).getByRole('link')
  await links.nth(wanted.length - 1).waitFor()
  assert.deepEqual((await links.allTextContents()).sort(), [...wanted].sort())
}

test('a client is found by a part of its name, by tag and by label', async () => {
  const page = await openList()
  await names(page, ['web-frankfurt', 'web-berlin', 'db-berlin'])
  await assertAll(page)
  await page.getByRole('searchbox', { name: 'Search clients' }).fill('frankf')
  await names(page, ['web-frankfurt'])
  await page.getByRole('searchbox', { name: 'Search clients' }).fill('')
  await names(page, ['web-frankfurt', 'web-berlin', 'db-berlin'])

  await page.getByRole('button', { name: 'Add filter' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add a filter' })
  await dialog.getByLabel('Values').fill('berlin,db')
  await page.keyboard.press('Enter')
  await dialog.getByLabel('A client has to have').selectOption('all')
  await assertAll(page, 'filter dialog')
  await dialog.getByRole('button', { name: 'Add filter' }).click()
  await names(page, ['db-berlin'])
  await page.waitForURL(/\?tags=berlin,db&tags\.all=1$/)
  await page.reload()
  await names(page, ['db-berlin'])
  await page.getByRole('button', { name: 'Remove filter Tag: berlin and db' }).click()
  await page.goto('/clients?labels=city:*')
  await names(page, ['web-frankfurt', 'web-berlin'])
  await page.goto('/clients?q=nothing')
  await page.getByText('No client matches').waitFor()
  await assertAll(page, 'nothing found')
  await page.getByRole('button', { name: 'Clear search and filters' }).click()
  await names(page, ['web-frankfurt', 'web-berlin', 'db-berlin'])
  await page.context().close()
})

test('a view is saved under a name and chosen again', async () => {
  const page = await openList('/clients?q=berlin')
  await page.getByRole('button', { name: 'Views' }).click()
  await page.getByRole('menuitem', { name: 'Save this view …' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('In Berlin')
  await page.keyboard.press('Enter')
  await page.goto('/clients')
  await names(page, ['web-frankfurt', 'web-berlin', 'db-berlin'])
  await page.getByRole('button', { name: 'Views' }).click()
  await page.getByRole('menuitem', { name: 'In Berlin' }).click()
  await names(page, ['web-berlin', 'db-berlin'])
  await page.getByRole('button', { name: 'Views' }).click()
  await page.getByRole('menuitem', { name: 'Remove a view …' }).click()
  await page.getByRole('button', { name: 'Remove view In Berlin' }).click()
  const question = page.getByRole('dialog', { name: 'Remove this view?' })
  await question.getByText('In Berlin').waitFor()
  await question.getByRole('button', { name: 'Remove' }).click()
  await page.getByText('View “In Berlin” is removed', { exact: true }).waitFor()
  await page.context().close()
})

test('several clients get a tag at once', async () => {
  const page = await openList('/clients?q=web')
  await names(page, ['web-frankfurt', 'web-berlin'])
  await page.getByRole('checkbox', { name: 'Select all rows' }).check()
  await page.getByRole('button', { name: 'Tags …' }).click()
  const dialog = page.getByRole('dialog', { name: 'Tags of 2 clients' })
  await dialog.getByLabel('Add these tags').fill('nginx')
  await dialog.getByLabel('Take these tags away').fill('web')
  await dialog.getByRole('button', { name: 'Change tags' }).click()
  await page.getByText('Tags of 2 clients changed', { exact: true }).waitFor()
  const { data } = await site.api('GET', '/clients/web-1/attributes')
  assert.deepEqual(data, { tags: ['frankfurt', 'nginx'], labels: { city: 'Frankfurt' } })
  await page.context().close()
})

test('a client that is gone is deleted, a connected one is not; changes appear by themselves', async () => {
  const page = await openList()
  await names(page, ['web-frankfurt', 'web-berlin', 'db-berlin'])
  const gone = await site.addClient('old-1')
  await names(page, ['web-frankfurt', 'web-berlin', 'db-berlin', 'old-1'])
  await gone.stop()
  await page.getByRole('row', { name: /old-1/ }).getByText('Disconnected').waitFor()
  await page.getByRole('row', { name: /old-1/ }).getByRole('checkbox').check()
  await page
    .getByRole('row', { name: /db-berlin/ })
    .getByRole('checkbox')
    .check()
  await page.getByRole('button', { name: 'Delete …' }).click()
  const dialog = page.getByRole('dialog', { name: /^Delete \d client/ })
  // By their names, not by their ids.
  await dialog.getByText('old-1, db-berlin').waitFor()
  await assertAll(page, 'delete dialog')
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click()
  await dialog.getByText('1 client could not be changed').waitFor()
  await dialog.getByText('Client is active, should be disconnected').waitFor()
  await dialog.getByRole('button', { name: 'Cancel' }).click()
  await names(page, ['web-frankfurt', 'web-berlin', 'db-berlin'])
  // What is gone is not selected any more.
  await page.getByText('1 selected').waitFor()
  await page.context().close()
})

test('it fits on a telephone, in the dark', async () => {
  const page = await openList('/clients', { theme: 'dark', width: 360, height: 800 })
  await names(page, ['web-frankfurt', 'web-berlin', 'db-berlin'])
  await assertAll(page)
  await page.context().close()
})
