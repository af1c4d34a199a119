// Users, their groups and sessions; how new machines come; the vault.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, newPage, session, signIn } from './lib/browser.js'
import { assertAll } from './lib/checks.js'
import { eventually } from './lib/programs.js'
import { startSite } from './lib/site.js'

let site, browser, admin
before(async () => {
  ;[site, browser] = await Promise.all([startSite({ clients: 1 }), launch()])
  admin = await session(browser, site)
})
after(async () => {
  await browser?.close()
  await site?.stop()
})

const open = async (path) => {
  const page = await newPage(browser, site, { storageState: admin })
  await page.goto(path)
  return page
}

test('a user of limited rights sees what the group allows and no more', async () => {
  const page = await open('/user-groups')
  await page.getByRole('button', { name: 'Add group' }).click()
  await page.getByLabel('Name').fill('Operators')
  await page.getByRole('checkbox', { name: 'Tunnels', exact: true }).check()
  await page.getByRole('button', { name: 'Create' }).click()
  await page.getByRole('rowheader', { name: /Operators/ }).waitFor()
  assert.equal(
    await page.getByRole('checkbox', { name: 'Tunnels for Operators' }).isChecked(),
    true,
  )
  await page.getByRole('checkbox', { name: 'Vault for Operators' }).click()
  await page.getByText('Saved the permissions of Operators').first().waitFor()
  const allowed = async () => (await site.api('GET', '/user-groups/Operators')).data.permissions
  await eventually(async () => (await allowed()).vault, 'the vault is allowed')
  assert.equal((await allowed()).commands, false)
  await assertAll(page, 'user groups')

  await page.goto('/users')
  await page.getByRole('button', { name: 'Add user' }).click()
  await page.getByLabel('User name').fill('olga')
  const short = page.getByText(/characters?, please/)
  await page.getByLabel('Password', { exact: true }).fill('x')
  if (await short.isVisible())
    assert.ok(await page.getByRole('button', { name: 'Add', exact: true }).isDisabled())
  await page.getByLabel('Password', { exact: true }).fill('olga likes long passwords')
  await page.getByLabel('Another group').fill('Operators')
  await page.getByLabel('Another group').press('Enter')
  await assertAll(page, 'adding a user')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('row', { name: /olga.*Operators/ }).waitFor()
  await assertAll(page, 'users')
  await page.context().close()

  const hers = await newPage(browser, site)
  await signIn(hers, { username: 'olga', password: 'olga likes long passwords' })
  const links = hers.getByRole('navigation').getByRole('link')
  await hers.getByRole('link', { name: 'Vault' }).waitFor()
  const names = await links.allTextContents()
  for (const hidden of ['Users', 'User groups', 'Client access'])
    assert.ok(!names.some((name) => name.trim() === hidden), `${hidden} is shown: ${names.join()}`)
  await hers.goto('/users')
  await hers.getByRole('heading', { level: 1 }).waitFor()
  assert.equal(await hers.getByRole('button', { name: 'Add user' }).count(), 0)
  await hers.context().close()
})

test('sessions of a user are seen and ended', async () => {
  site.addUser('sam', 'sam has a password', [])
  const his = await newPage(browser, site)
  await signIn(his, { username: 'sam', password: 'sam has a password' })
  const page = await open('/users')
  await page.getByRole('button', { name: 'Actions for sam' }).click()
  await page.getByRole('menuitem', { name: 'Sessions' }).click()
  await page.getByRole('button', { name: 'End session' }).waitFor()
  await assertAll(page, 'sessions')
  await page.getByRole('button', { name: 'End session' }).click()
  await page.getByText('No sessions').waitFor()
  await his.reload()
  await his.waitForURL(/\/login/)
  await his.context().close()
  await page.keyboard.press('Escape')

  await page.getByRole('button', { name: 'Actions for sam' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByText('sam').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('Deleted sam').first().waitFor()
  const users = (await site.api('GET', '/users')).data
  assert.ok(!users.some((user) => user.username === 'sam'))
  await page.context().close()
})

test('credentials are added and deleted, a code brings a new machine', async () => {
  const page = await open('/client-access')
  await page.getByRole('button', { name: 'Add credentials' }).click()
  await page.getByLabel('ID').fill('branch')
  const password = await page.getByLabel('Password').inputValue()
  assert.match(password, /^[\w-]{24}$/)
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByText(`auth = "branch:${password}"`).waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click()
  await page.getByRole('row', { name: /branch/ }).waitFor()

  await page.getByRole('button', { name: 'Make a code' }).click()
  await page.getByLabel('Credentials it gets').selectOption('branch')
  await page.getByLabel('For how many machines').fill('2')
  await page.getByRole('dialog').getByRole('button', { name: 'Make a code' }).click()
  const line = await page.locator('code', { hasText: /client pair/ }).textContent()
  await assertAll(page, 'client access')
  assert.match(line, /client pair '?http:\/\/127\.0\.0\.1:\d+'? ([0-9A-Z]{4}-){5}[0-9A-Z]{4}/)
  await page.getByText('0 of 2').waitFor()

  await page.getByRole('button', { name: /^End code/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'End code' }).click()
  await page.getByText('The code has ended').first().waitFor()
  await page.getByRole('button', { name: 'Delete: branch' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('Deleted branch').first().waitFor()
  await page.context().close()
})

test('the vault is set up, keeps a secret, shows it and is locked', async () => {
  const page = await open('/vault')
  await page.getByLabel('Vault password').fill('opens it')
  await page.getByLabel('Once more').fill('opens it')
  await assertAll(page, 'vault before its set-up')
  await page.getByRole('button', { name: 'Set up' }).click()
  await page.getByRole('button', { name: 'Add secret' }).click()
  await page.getByLabel('Name').fill('root password')
  await page.getByLabel('Value').fill('<b>not bold</b>')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('row', { name: /root password/ }).click()
  await page.getByRole('dialog').getByText('<b>not bold</b>').waitFor()
  await assertAll(page, 'a secret')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Lock' }).click()
  await page.getByText('The vault is locked').first().waitFor()
  await page.getByLabel('Vault password').fill('wrong password')
  await page.getByRole('button', { name: 'Unlock' }).click()
  await page.getByText('That is not the vault').waitFor()
  await page.getByLabel('Vault password').fill('opens it')
  await page.getByRole('button', { name: 'Unlock' }).click()
  await page.getByRole('row', { name: /root password/ }).waitFor()
  await page.context().close()
})

test('the audit log is searched, an entry shown; notifications and the state of the server', async () => {
  site.addUser('zoe', 'zoe has a password too', [])
  await site.api('PUT', '/users/zoe', { groups: ['Readers'] })
  const page = await open('/audit')
  await page.getByRole('row', { name: /zoe/ }).waitFor()
  await page.getByLabel('Search in').selectOption('ID')
  await page.getByLabel('Text, * for anything').fill('zo*')
  await page.getByRole('button', { name: 'Add filter' }).click()
  await page.getByRole('button', { name: 'Remove filter ID: zo*' }).waitFor()
  await page.getByText('1–1 of 1').waitFor()
  await assertAll(page, 'audit log')
  await page.getByRole('row', { name: /zoe/ }).click()
  await page.getByRole('dialog').getByText('"Readers"').waitFor()
  await assertAll(page, 'audit entry')
  await page.goto('/notifications')
  await page.getByText('No notifications').waitFor()
  await assertAll(page, 'notifications')
  await page.goto('/server')
  await page.getByText(/^SHA256:/).waitFor()
  await page.getByRole('img', { name: '1 client connected, 0 not' }).waitFor()
  await assertAll(page, 'server')
  await page.context().close()
})
