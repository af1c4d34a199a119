// The other parts of a client: measurements, updates, files, settings.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { session } from './lib/browser.js'
import { assertAll } from './lib/checks.js'
import { closeSite, openSite } from './lib/open.js'
import { eventually } from './lib/programs.js'

let site, browser, open
before(async () => {
  const labels = { city: 'Cologne' }
  const clients = [{ id: 'web-1', name: 'Shop', tags: ['web'], labels, updates: true }]
  ;({ site, browser, open } = await openSite({ clients }))
})
after(closeSite)

test('measurements are drawn, disks and processes listed', async () => {
  const measured = async () => (await site.api('GET', '/clients/web-1/metrics')).data.length > 0
  await eventually(measured, 'a measurement')
  const page = await open('/clients/web-1/monitoring')
  await page.getByRole('img', { name: /Graph of Processor, .*Average: \d/ }).waitFor()
  await page.getByRole('img', { name: /Graph of Memory, .*Average: \d/ }).waitFor()
  assert.equal(await page.locator('.u-wrap canvas').count(), 3)
  await page.getByRole('progressbar', { name: 'Use of /', exact: true }).waitFor()
  await page.getByRole('searchbox', { name: 'Search processes' }).fill(`client -c ${site.folder}`)
  await page
    .getByRole('grid', { name: 'Processes' })
    .getByText(/rport client -c/)
    .waitFor()
  await page.getByRole('button', { name: '1 day' }).click()
  await page.getByRole('img', { name: /Graph of Processor, .*Average: \d/ }).waitFor()
  await assertAll(page)
  const box = await page.locator('.u-over').first().boundingBox()
  const y = box.y + box.height / 2
  await page.mouse.move(box.x + box.width * 0.4, y)
  await page.mouse.down()
  await page.mouse.move(box.x + box.width * 0.6, y, { steps: 4 })
  await page.mouse.up()
  await page.getByRole('button', { name: 'Whole range' }).click()
  await page.getByText('Drag over a graph to look closer.').waitFor()
  await page.context().close()
})

test('a file is sent, kept or replaced', async () => {
  const page = await open('/clients/web-1/files', { theme: 'dark' })
  const target = `${site.folder}/web-1/page.html`
  const send = async (text, existing) => {
    const buffer = Buffer.from(text)
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'page.html', mimeType: 'text/html', buffer })
    await page.getByLabel('Where to').fill(target)
    await page.getByLabel('If there is such a file').selectOption(existing)
    await page.getByRole('button', { name: 'Send file' }).click()
  }
  await page.getByRole('button', { name: 'Send file' }).click()
  await page.getByText('Choose a file first.').waitFor()
  await send('first', 'keep')
  await page.getByText('Written').waitFor()
  assert.equal(readFileSync(target, 'utf8'), 'first')
  await send('second', 'keep')
  await page.getByText('Kept the old one').waitFor()
  assert.equal(readFileSync(target, 'utf8'), 'first')
  await send('third', 'force')
  await page.getByText('Written').nth(1).waitFor()
  assert.equal(readFileSync(target, 'utf8'), 'third')
  await page.getByLabel('Where to').fill('/proc/x')
  await assertAll(page)
  await page.context().close()
})

test('tags, labels and access are changed', async () => {
  site.addGroup('Operators', { tunnels: true })
  const page = await open('/clients/web-1/settings', { width: 360, height: 800 })
  await page.getByLabel('Labels', { exact: true }).fill('nonsense')
  const save = page.getByRole('button', { name: 'Save' })
  await save.first().click()
  await page.getByText('has no colon between name and value').waitFor()
  await page.getByLabel('Labels', { exact: true }).fill('city: Bonn\nrack: 7')
  await page.getByLabel('Tags', { exact: true }).fill('shop')
  await save.first().click()
  await page.getByText('Tags and labels are saved', { exact: true }).waitFor()
  const { data } = await site.api('GET', '/clients/web-1/attributes')
  assert.deepEqual(data, { tags: ['web', 'shop'], labels: { city: 'Bonn', rack: '7' } })
  await page.getByLabel('User groups', { exact: true }).fill('Operators')
  await save.nth(1).click()
  await page.getByText('Access is saved', { exact: true }).waitFor()
  const shown = (await site.api('GET', '/clients/web-1')).data
  assert.deepEqual(shown.allowed_user_groups, ['Operators'])
  await assertAll(page)
  assert.ok(await page.getByRole('button', { name: 'Delete client' }).isDisabled())
  await page.context().close()
})

test('updates are asked for', async () => {
  const page = await open('/clients/web-1/updates')
  await page.getByRole('button', { name: 'Look for updates' }).click()
  await page.getByText('The client looks for updates', { exact: false }).first().waitFor()
  await assertAll(page)
  await page.context().close()
})

test('a client that is gone can be deleted from its page', async () => {
  const gone = await site.addClient('old-1')
  const page = await open('/clients/old-1/settings')
  await page.getByText('Only a client that is not connected can be deleted.').waitFor()
  await gone.stop()
  await page.getByText('Offline since').waitFor()
  await assertAll(page)
  await page.getByRole('button', { name: 'Delete client' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete client' }).click()
  await page.waitForURL(/\/clients$/)
  await page.context().close()
})

test('who may do little sees little', async () => {
  site.addGroup('Lookers', { tunnels: true })
  site.addUser('looker', 'only looking around 7', ['Lookers'])
  await site.api('POST', '/clients/web-1/acl', { allowed_user_groups: ['Lookers'] })
  const user = { username: 'looker', password: 'only looking around 7' }
  const page = await open('/clients/web-1', { storageState: await session(browser, site, user) })
  await page.getByRole('tab', { name: 'Tunnels' }).waitFor()
  const tabs = await page.getByRole('tab').allTextContents()
  assert.deepEqual(
    tabs.map((tab) => tab.trim().split(' ')[0]),
    ['Overview', 'Tunnels', 'Settings'],
  )
  await page.goto('/clients/web-1/run')
  await page.getByRole('tab', { name: 'Overview', selected: true }).waitFor()
  await assertAll(page)
  await page.context().close()
})
