// Jobs on many clients: a script on three with live output, stop, run again, the lists.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { assertAll, assertClean } from './lib/checks.js'
import { closeSite, openSite } from './lib/open.js'

let site, open
before(async () => {
  const clients = [
    { id: 'web-1', name: 'Web one', tags: ['web', 'prod'] },
    { id: 'web-2', name: 'Web two', tags: ['web', 'test'] },
    { id: 'db-1', name: 'Database', tags: ['db', 'prod'] },
  ]
  ;({ site, open } = await openSite({ clients }))
})
after(closeSite)

async function choose(page, ...names) {
  for (const name of names) {
    await page.getByRole('combobox', { name: 'Clients' }).fill(name)
    await page.getByRole('option', { name }).click()
    await page.getByRole('button', { name: `Remove ${name}` }).waitFor()
  }
}

const state = (page, name, word) =>
  page.getByRole('row').filter({ hasText: name }).getByText(word, { exact: true }).waitFor()

const clients = (page) => page.getByRole('list', { name: 'Clients' }).getByRole('listitem')

test('a script on three clients: live output, progress, the result', async () => {
  const gate = join(site.folder, 'gate')
  const page = await open('/jobs')
  await page.getByText('No job on many clients yet').waitFor()
  await page.getByRole('link', { name: 'New job' }).first().click()
  await page.getByRole('button', { name: 'Script', exact: true }).click()
  await page.getByRole('textbox', { name: 'Script' }).click()
  const script = `echo begun\nwhile [ ! -e ${gate} ]; do sleep 0.1; done\necho "<b>over</b>"`
  await page.keyboard.insertText(script)
  await choose(page, 'Web one', 'Web two', 'Database')
  await page.getByText('3 clients, 3 of them connected now.').waitFor()
  await page.getByLabel('Order').selectOption({ label: 'All clients at once' })
  await assertAll(page, 'new job')
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await page.waitForURL(/\/jobs\/[0-9a-f-]{36}$/)
  await page.getByText('3 running').waitFor()
  const output = page.getByRole('region', { name: /^Output of/ })
  await output.getByText('Live', { exact: true }).waitFor()
  await output.getByText('begun').first().waitFor()
  await assertAll(page, 'job under way')
  writeFileSync(gate, '')
  await page.getByText('3 successful').waitFor()
  await page.getByText('3 of 3 done').waitFor()
  for (const name of ['Web one', 'Web two', 'Database']) {
    await clients(page).filter({ hasText: name }).getByRole('button').click()
    const own = page.getByRole('region', { name: `Output of ${name}` })
    await own.getByText('<b>over</b>').first().waitFor()
  }
  await assertAll(page, 'job at its end')
  // Read from the server, it is the same.
  await page.reload()
  await output.getByText('<b>over</b>').first().waitFor()
  await page.context().close()
})

test('one after the other: no more are started, what runs goes on; then run again', async () => {
  const gate = join(site.folder, 'second-gate')
  const command = `/bin/sh -c 'until [ -e ${gate} ]; do sleep 0.1; done'`
  const page = await open('/jobs/new')
  await page.getByLabel('Command line').fill(command)
  await page.getByLabel('Chosen by').selectOption({ label: 'Tags' })
  await page.getByLabel('Tags').fill('web')
  await page.keyboard.press('Tab')
  await page.getByText('2 clients, 2 of them connected now.').waitFor()
  await page.getByLabel('Tags').fill('prod')
  await page.keyboard.press('Tab')
  await page.getByLabel('A client has to have').selectOption({ label: 'all of these tags' })
  await page.getByText('1 client, 1 of them connected now.').waitFor()
  await page.getByLabel('A client has to have').selectOption({ label: 'any of these tags' })
  await page.getByText('3 clients, 3 of them connected now.').waitFor()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await page.waitForURL(/\/jobs\/[0-9a-f-]{36}$/)
  await page.getByText('2 waiting').waitFor()
  await page.getByRole('button', { name: 'Start no more' }).click()
  const dialog = page.getByRole('alertdialog').or(page.getByRole('dialog'))
  await dialog.getByText(command).waitFor()
  await dialog.getByText('2 clients that wait will not begin.').waitFor()
  await dialog.getByRole('button', { name: 'Start no more' }).click()
  await page.getByText('No more clients begin; what runs goes on', { exact: true }).waitFor()
  // The one goes on; nothing is said to come, and nothing is left to be stopped.
  await page.getByText('0 of 1 done').waitFor()
  await page.getByText('1 running').waitFor()
  assert.equal(await page.getByText(/waiting|still to come/).count(), 0)
  assert.equal(await page.getByRole('button', { name: 'Start no more' }).count(), 0)
  await assertAll(page, 'job that starts no more')
  writeFileSync(gate, '')
  await page.getByText('1 of 1 done').waitFor()
  assert.equal(await clients(page).count(), 1)
  await page.getByRole('link', { name: 'Run again' }).click()
  await page.getByText('3 clients, 3 of them connected now.').waitFor()
  assert.equal(await page.getByLabel('Command line').inputValue(), command)
  await assertClean(page)
  await page.context().close()
})

test('a client that fails is seen; what is wrong is told before the start', async () => {
  const page = await open('/jobs/new')
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await page.getByText('Type a command.').waitFor()
  await page.getByRole('alert').getByText('Choose at least one client').waitFor()
  await page.getByLabel('Command line').fill(`/bin/sh -c 'echo bad >&2; exit 7'`)
  await page.getByLabel('Time limit').fill('never')
  await page.getByText('A number of seconds').waitFor()
  await page.getByLabel('Time limit').fill('30')
  await choose(page, 'Web one', 'Database')
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await page.getByText('1 failed').waitFor()
  await page.getByText('1 client did not begin').waitFor()
  await clients(page).filter({ hasText: 'Web one' }).getByText('Failed').waitFor()
  await page.getByRole('region', { name: 'Output of Web one' }).getByText('exit status 7').waitFor()
  await assertAll(page, 'failed job')
  await page.context().close()
})

test('the lists tell how each job stands, and narrow it down', async () => {
  const page = await open('/jobs')
  await page.getByRole('link', { name: 'echo bad' }).waitFor()
  await state(page, 'echo bad', 'Failed')
  await state(page, 'echo begun', 'Successful')
  await assertAll(page, 'jobs')
  // A job that somebody else starts appears by itself.
  await site.api('POST', '/commands', { command: '/usr/bin/id -u', client_ids: ['db-1'] })
  await state(page, '/usr/bin/id -u', 'Successful')
  await page.getByRole('tab', { name: 'All, by client' }).click()
  await page.getByLabel('State').selectOption({ label: 'Failed' })
  await page.getByRole('row').filter({ hasText: 'echo bad' }).waitFor()
  await page.getByRole('row').filter({ hasText: '/usr/bin/id -u' }).waitFor({ state: 'detached' })
  await assertAll(page, 'jobs by client')
  await page
    .getByRole('row')
    .filter({ hasText: 'echo bad' })
    .click({ position: { x: 8, y: 8 } })
  await page.getByRole('dialog').getByText('exit status 7').waitFor()
  await assertAll(page, 'one job')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Clear filters' }).click()
  await page.getByRole('row').filter({ hasText: '/usr/bin/id -u' }).waitFor()
  await page.context().close()
})

test('it fits on a telephone, in the dark', async () => {
  const [{ jid }] = (await site.api('GET', '/commands')).data
  for (const path of ['/jobs', '/jobs?view=single', '/jobs/new', `/jobs/${jid}`]) {
    const page = await open(path, { theme: 'dark', width: 360, height: 800 })
    await assertAll(page, path)
    await page.context().close()
  }
})
