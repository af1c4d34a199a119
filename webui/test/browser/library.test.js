// Commands and scripts of the library: added, found, changed, run, deleted.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertAll } from './lib/checks.js'
import { closeSite, openSite } from './lib/open.js'

let site, open
before(async () => {
  ;({ site, open } = await openSite({ clients: 1 }))
})
after(closeSite)

const row = (page, name) => page.getByRole('row').filter({ hasText: name })

test('a script is added, changed and run', async () => {
  const page = await open('/library')
  await page.getByText('No script is kept yet').waitFor()
  await assertAll(page, 'empty library')
  await page.getByRole('button', { name: 'Add script' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add script' })
  await dialog.getByLabel('Name').fill('Greeting')
  await dialog.getByLabel('Tags').fill('daily')
  await page.keyboard.press('Tab')
  await dialog.getByRole('textbox', { name: 'Script' }).click()
  await page.keyboard.insertText('# says grüß\necho "grüß $PWD"')
  await dialog.getByLabel('Time limit').fill('0')
  await dialog.getByText('A number of seconds').waitFor()
  await dialog.getByLabel('Time limit').fill('45')
  await dialog.getByLabel('Folder').fill('/tmp')
  await assertAll(page, 'editor')
  await dialog.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByText('Saved Greeting', { exact: true }).waitFor()
  const [kept] = (await site.api('GET', '/library/scripts?fields[scripts]=script,cwd,tags')).data
  assert.equal(Buffer.from(kept.script, 'base64').toString(), '# says grüß\necho "grüß $PWD"')
  assert.equal(kept.cwd, '/tmp')
  assert.deepEqual(kept.tags, ['daily'])

  await row(page, 'Greeting').getByRole('button', { name: 'Actions for Greeting' }).click()
  await page.getByRole('menuitem', { name: 'Edit' }).click()
  await page.getByRole('dialog').getByLabel('Name').fill('Greeting of all')
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await row(page, 'Greeting of all').waitFor()

  await page.getByRole('button', { name: 'Run Greeting of all' }).click()
  await page.waitForURL(/\/jobs\/new\?script=/)
  await page.getByText('says grüß').waitFor()
  assert.equal(await page.getByLabel('Folder').inputValue(), '/tmp')
  assert.equal(await page.getByLabel('Time limit').inputValue(), '45')
  await page.getByRole('combobox', { name: 'Clients' }).fill('machine')
  await page.getByRole('option', { name: 'machine-1' }).click()
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await page.getByText('1 successful').waitFor()
  await page.getByText('grüß /tmp').first().waitFor()
  await page.context().close()
})

test('commands are found by name and tag, taken into a job, deleted', async () => {
  await site.api('POST', '/library/commands', { name: 'Uptime', cmd: 'uptime', tags: ['daily'] })
  await site.api('POST', '/library/commands', { name: 'Kernel', cmd: 'uname -a', tags: ['info'] })
  const page = await open('/library?kind=commands')
  await row(page, 'Uptime').waitFor()
  await page.getByLabel('Tag', { exact: true }).selectOption('info')
  await row(page, 'Uptime').waitFor({ state: 'detached' })
  await page.getByLabel('Tag', { exact: true }).selectOption({ label: 'All tags' })
  await page.getByRole('searchbox', { name: 'Name' }).fill('upt')
  await row(page, 'Kernel').waitFor({ state: 'detached' })
  await assertAll(page, 'commands')
  await page.getByRole('button', { name: 'Actions for Uptime' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  const dialog = page.getByRole('alertdialog').or(page.getByRole('dialog'))
  await dialog.getByText('Uptime').waitFor()
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await page.getByText('Nothing matches').waitFor()
  assert.equal((await site.api('GET', '/library/commands')).data.length, 1)

  await page.goto('/jobs/new')
  await page.getByRole('combobox', { name: 'From the library' }).click()
  await page.getByRole('option', { name: 'Kernel' }).click()
  await page.waitForFunction(() =>
    [...document.querySelectorAll('input')].some((input) => input.value === 'uname -a'),
  )
  await page.context().close()
})

test('it fits on a telephone, in the dark', async () => {
  const page = await open('/library?kind=commands', { theme: 'dark', width: 360, height: 800 })
  await row(page, 'Kernel').waitFor()
  await assertAll(page)
  await page.context().close()
})
