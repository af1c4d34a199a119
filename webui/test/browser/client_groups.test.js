// Groups of clients.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertAll } from './lib/checks.js'
import { closeSite, openSite } from './lib/open.js'

let site, open
before(async () => {
  const clients = [
    { id: 'web-1', tags: ['web', 'prod'] },
    { id: 'web-2', tags: ['web'] },
  ]
  ;({ site, open } = await openSite({ clients }))
})
after(closeSite)

test('a group is made with a preview, changed, looked into and deleted', async () => {
  const page = await open('/client-groups')
  await page.getByText('No group yet').waitFor()
  await assertAll(page, 'no group')
  await page.getByRole('button', { name: 'New group' }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('Without a rule no client belongs to the group.').waitFor()
  await dialog.getByLabel('Name', { exact: true }).fill('bad name')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.getByText('One to 30 letters').waitFor()
  await dialog.getByLabel('Name', { exact: true }).fill('shops')
  await dialog.getByLabel('Add a rule about').selectOption('tag')
  await dialog.getByLabel('Tag', { exact: true }).fill('web')
  await page.keyboard.press('Enter')
  await dialog.getByText('2 clients match now').waitFor()
  await dialog.getByLabel('Tag', { exact: true }).fill('prod')
  await page.keyboard.press('Enter')
  await dialog.getByLabel('A client has to have').selectOption('all')
  await dialog.getByText('1 client matches now').waitFor()
  await assertAll(page, 'new group')
  await dialog.getByRole('button', { name: 'Save' }).click()
  const row = page.getByRole('row', { name: /shops/ })
  await row.getByText('Tag: web and prod').waitFor()
  const { data } = await site.api('GET', '/client-groups/shops')
  assert.deepEqual(data.client_ids, ['web-1'])

  await row.getByRole('button', { name: 'Actions for the group shops' }).click()
  await page.getByRole('menuitem', { name: 'Change …' }).click()
  await dialog.getByRole('button', { name: 'Remove prod' }).click()
  await dialog.getByText('2 clients match now').waitFor()
  await dialog.getByRole('button', { name: 'Save' }).click()
  await row.getByText('Tag: web', { exact: true }).waitFor()
  await assertAll(page, 'groups')
  await row.click()
  await page.waitForURL(/\/clients\?groups=shops$/)
  await page.getByText('2 clients').waitFor()
  await page.goBack()
  await row.getByRole('button', { name: 'Actions for the group shops' }).click()
  await page.getByRole('menuitem', { name: 'Delete …' }).click()
  await dialog.getByRole('button', { name: 'Delete group' }).click()
  await page.getByText('No group yet').waitFor()
  await page.context().close()
})
