// One client: facts, runs with live output, tunnels.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { assertAll } from './lib/checks.js'
import { closeSite, openSite } from './lib/open.js'

let site, open, web, webPort
before(async () => {
  // Each request comes by a connection of its own.
  web = createServer((_, response) =>
    response.setHeader('Connection', 'close').end('page of the client'),
  )
  await new Promise((resolve) => web.listen(0, '127.0.0.1', resolve))
  webPort = String(web.address().port)
  const clients = [{ id: 'web-1', name: 'Shop', tags: ['web'], labels: { city: 'Cologne' } }]
  ;({ site, open } = await openSite({ clients }))
})
after(async () => {
  await closeSite()
  web?.close()
})

const output = (page, text) =>
  page.waitForFunction(
    (wanted) => document.querySelector('.xterm-rows')?.textContent.includes(wanted),
    text,
  )

test('facts of a client; one that is not there is said so', async () => {
  const page = await open('/clients/web-1')
  await page.getByRole('heading', { name: 'Shop' }).waitFor()
  for (const text of ['city: Cologne', 'amd64', 'Debian'])
    await page.getByText(text).first().waitFor()
  await assertAll(page)
  await page.goto('/clients/nobody')
  await page.getByText('Client with id="nobody" not found').waitFor()
  await assertAll(page, 'unknown client')
  await page.context().close()
})

test('a command shows its output while it runs, and its end', async () => {
  const page = await open('/clients/web-1/run')
  await page.getByLabel('Command line').fill('ls')
  await page.keyboard.press('Enter')
  await page.getByText('command is not allowed').waitFor()
  await page.getByText('programs by their whole path').waitFor()
  const lines = 'echo begun\nwhile [ ! -e go ]; do sleep 0.1; done\necho over\nexit 3\n'
  writeFileSync(`${site.folder}/web-1/live.sh`, lines)
  await page.getByLabel('Command line').fill('/bin/sh live.sh')
  await page.getByRole('button', { name: 'Options' }).click()
  await page.getByLabel('Folder').fill(`${site.folder}/web-1`)
  await page.getByLabel('Command line').press('Enter')
  await output(page, 'begun')
  await page.getByRole('status').getByText('Running').waitFor()
  writeFileSync(`${site.folder}/web-1/go`, '')
  await output(page, 'over')
  await page.getByRole('status').getByText('Failed').waitFor()
  await page.getByText('exit status 3').waitFor()
  await assertAll(page)
  await page.getByRole('row', { name: /bin.sh live.sh/ }).click()
  await page.getByRole('dialog', { name: 'Job' }).getByText('exit status 3').waitFor()
  await assertAll(page, 'job')
  await page.getByRole('button', { name: 'Close' }).click()
  await page.getByLabel('Command line').press('ArrowUp')
  assert.match(await page.getByLabel('Command line').inputValue(), /^.bin.sh live.sh/)
  await page.context().close()
})

test('a script runs', async () => {
  const page = await open('/clients/web-1/run', { theme: 'dark' })
  await page.getByRole('button', { name: 'Script' }).click()
  await page
    .getByRole('textbox', { name: 'Script' })
    .fill('a=grün\nfor i in 1 2; do echo "$a $i"; done')
  await page.getByRole('button', { name: 'Run', exact: true }).click()
  await output(page, 'grün 2')
  await page.getByRole('status').getByText('Successful').waitFor()
  await assertAll(page)
  await page.context().close()
})

test('a tunnel is opened and used, its addresses are changed, it is closed', async () => {
  const page = await open('/clients/web-1')
  await page.getByRole('link', { name: 'New tunnel' }).click()
  await page.waitForFunction(() => document.querySelector('[role=combobox]')?.value === 'Shop')
  await page.getByText('Web (HTTP)').click()
  await page.getByRole('button', { name: 'Remove 127.0.0.1' }).waitFor()
  await page.getByLabel('Port', { exact: true }).fill('99999')
  await page.getByRole('button', { name: 'Open tunnel' }).click()
  await page.getByText('A number from 1 to 65535.').waitFor()
  await assertAll(page, 'new tunnel')
  await page.getByLabel('Port', { exact: true }).fill(webPort)
  await page.getByLabel('In any case').selectOption('1h')
  await page.getByText('in any case after 1 hour').waitFor()
  await page.getByLabel(/^Name/).fill('shop')
  await page.getByLabel('Keep it under a name').check()
  await page.getByRole('button', { name: 'Open tunnel' }).click()
  await page.getByText('The tunnel is open').waitFor()
  await page.getByText(/\d+ s left/).waitFor()
  await assertAll(page, 'open tunnel')
  const address = await page.getByRole('link', { name: 'Open in a new tab' }).getAttribute('href')
  assert.equal(await (await fetch(address)).text(), 'page of the client')

  await page.getByRole('button', { name: 'Change', exact: true }).click()
  const dialog = page.getByRole('dialog', { name: 'Who may connect' })
  await dialog.getByRole('button', { name: 'Remove 127.0.0.1' }).click()
  await dialog.getByLabel('Addresses and networks').fill('192.0.2.0/24')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByText('Who may connect is changed', { exact: true }).waitFor()
  await assert.rejects(fetch(address))

  await page.goto('/tunnels')
  const row = page.getByRole('row', { name: /shop/ })
  await row.getByText('192.0.2.0/24').waitFor()
  await row.getByRole('link', { name: 'Shop' }).waitFor()
  await assertAll(page, 'all tunnels')
  await row.getByRole('button', { name: /Actions/ }).click()
  await page.getByRole('menuitem', { name: 'Close …' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Close tunnel' }).click()
  await page.getByText('No tunnel is open').waitFor()
  await assertAll(page, 'no tunnel')

  await page.goto('/clients/web-1/tunnels')
  const stored = page.getByRole('row', { name: new RegExp(`shop.*127.0.0.1:${webPort}`) })
  await stored.getByRole('link', { name: 'Open' }).click()
  await page.getByRole('button', { name: 'Open tunnel' }).click()
  await page.getByText('The tunnel is open').waitFor()
  await page.context().close()
})

test('a stored tunnel is made, changed and deleted', async () => {
  const page = await open('/clients/web-1/tunnels', { width: 360, height: 800, theme: 'dark' })
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(/^Name/).fill('gateway')
  await dialog.getByLabel('Everybody').check()
  await assertAll(page, 'stored tunnel')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The stored tunnel is saved', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Actions for the stored tunnel gateway' }).click()
  await page.getByRole('menuitem', { name: 'Change …' }).click()
  await dialog.getByLabel('Host', { exact: true }).fill('192.168.1.1')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByText('192.168.1.1:22').waitFor()
  await assertAll(page, 'tunnels of a client')
  await page.getByRole('button', { name: 'Actions for the stored tunnel gateway' }).click()
  await page.getByRole('menuitem', { name: 'Delete …' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('192.168.1.1:22').waitFor({ state: 'detached' })
  await page.context().close()
})
