// Schedules, and files sent to clients.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { assertAll } from './lib/checks.js'
import { closeSite, openSite } from './lib/open.js'
import { eventually } from './lib/programs.js'

let site, open
before(async () => {
  const clients = [
    { id: 'web-1', tags: ['web'] },
    { id: 'web-2', tags: ['web'] },
    { id: 'db-1', tags: ['db'] },
  ]
  ;({ site, open } = await openSite({ clients }))
})
after(closeSite)

test('a schedule is made with a preview, runs, is changed and deleted', async () => {
  const page = await open('/schedules')
  await page.getByText('No schedules').waitFor()
  await page.getByRole('button', { name: 'Add schedule' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name', { exact: true }).fill('tidy up')
  await dialog.getByRole('button', { name: 'Weekdays at 07:30' }).click()
  await dialog.getByText('every weekday at 07:30').waitFor()
  await dialog.getByText(/07:30:00 · /).waitFor()
  await dialog.getByLabel(/^When/).fill('0 25 * * *')
  await dialog.locator('.error').waitFor()
  await dialog.getByLabel(/^When/).fill('@every 4s')
  await dialog.getByLabel('Command', { exact: true }).fill('/bin/echo from-the-schedule')
  await dialog.getByLabel('Chosen by').selectOption('Tags')
  await dialog.getByLabel('Tags', { exact: true }).pressSequentially('web')
  await dialog.getByLabel('Tags', { exact: true }).press('Enter')
  await dialog.getByText('2 clients, 2 of them connected now.').waitFor()
  await assertAll(page, 'adding a schedule')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('row', { name: /tidy up.*tags web/ }).waitFor()
  await page.getByText('2 of 2 successful').waitFor()
  await assertAll(page, 'schedules')

  await page.getByRole('button', { name: 'Actions for tidy up' }).click()
  await page.getByRole('menuitem', { name: 'Edit' }).click()
  await dialog.getByLabel(/^When/).fill('0 3 * * *')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('row', { name: /tidy up.*every day at 03:00/i }).waitFor()
  await page.getByRole('button', { name: 'Actions for tidy up' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('No schedules').waitFor()
  // A script is told by its first line.
  const script = Buffer.from('#!/bin/sh\ndf -h\n').toString('base64')
  const about = { name: 'disks', schedule: '0 3 * * *', tags: { tags: ['web'], operator: 'OR' } }
  await site.api('POST', '/schedules', { ...about, type: 'script', script })
  await page.getByRole('row', { name: /disks.*df -h/ }).waitFor()
  await page.context().close()
})

test('a file goes to the chosen clients and each tells how it went', async () => {
  const page = await open('/uploads')
  const dest = `${site.folder}/received.txt`
  await page.locator('input[type=file]').setInputFiles({
    name: 'hello.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('hello, machines\n'),
  })
  await page.getByText(/hello\.txt, 16/).waitFor()
  await page.getByLabel('Where to').fill('relative')
  await page.getByText('An absolute path').waitFor()
  await page.getByLabel('Where to').fill(dest)
  await page.getByLabel('Clients', { exact: true }).fill('db')
  await page.getByRole('option', { name: /db-1/ }).click()
  await page.getByText('1 client, 1 of them connected now.').waitFor()
  await page.getByLabel(/^Rights/).fill('0640')
  await assertAll(page, 'sending a file')
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page
    .getByRole('log')
    .getByRole('row', { name: /db-1.*done/ })
    .waitFor()
  await eventually(() => existsSync(dest), 'the file is there')
  assert.equal(readFileSync(dest, 'utf8'), 'hello, machines\n')
  await assertAll(page, 'a file was sent')
  // Nothing is replaced unless asked for.
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page
    .getByRole('log')
    .getByRole('row', { name: /db-1.*left alone/ })
    .waitFor()
  await page.context().close()
})
