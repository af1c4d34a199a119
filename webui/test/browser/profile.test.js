// The profile page and the overview, and signing in with a second factor.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { launch, newPage, session, signIn } from './lib/browser.js'
import { assertAll, assertClean } from './lib/checks.js'
import { ADMIN, startSite } from './lib/site.js'

let site, strict, browser
before(async () => {
  ;[site, strict, browser] = await Promise.all([
    startSite({ clients: 2 }),
    startSite({ api: 'totp_enabled = true\ntotp_login_session_ttl = "10m"' }),
    launch(),
  ])
})
after(async () => {
  await browser?.close()
  await Promise.all([site?.stop(), strict?.stop()])
})

/** RFC 6238 as authenticator apps count: SHA-1, 6 digits, 30 seconds. later: of a step to come. */
function totp(base32, later = 0) {
  const bits = [...base32.replace(/=+$/, '')].map((c) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0'),
  )
  const bytes = bits
    .join('')
    .match(/.{8}/g)
    .map((b) => parseInt(b, 2))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later))
  const mac = createHmac('sha1', Buffer.from(bytes)).update(counter).digest()
  const at = mac[19] & 15
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

test('signing in with an authenticator app: made at first, asked for afterwards', async () => {
  const page = await newPage(browser, strict)
  const enter = async () => {
    await page.goto('/login')
    await page.getByLabel('User name').fill(ADMIN.username)
    await page.getByLabel('Password', { exact: true }).fill(ADMIN.password)
    await page.keyboard.press('Enter')
  }
  await enter()
  await page.getByRole('heading', { name: 'Connect your authenticator app' }).waitFor()
  await page.getByRole('button', { name: 'Show the key' }).click()
  await page.getByAltText(/QR code/).waitFor()
  await assertAll(page, 'enrolment')
  const secret = (await page.locator('code').innerText()).trim()
  await page.getByLabel('Code').fill('000000')
  await page.keyboard.press('Enter')
  await page.getByText('This code is wrong or too old.').waitFor()
  await page.getByLabel('Code').fill(totp(secret))
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.getByRole('button', { name: 'admin: signed in' }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.waitForURL(/\/login$/)

  await enter()
  await page.getByRole('heading', { name: 'Second step' }).waitFor()
  await assertAll(page, 'second step')
  // No code counts twice.
  await page.getByLabel('Code').fill(totp(secret, 1))
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Overview' }).waitFor()

  await page.goto('/profile')
  await page.getByRole('button', { name: 'Set up another app' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Set up another app' }).click()
  await page.getByAltText(/QR code/).waitFor()
  assert.notEqual((await page.locator('code').innerText()).trim(), secret)
  await assertAll(page, 'another app')
  await page.context().close()
})

test('a user changes his password and ends his other session', async () => {
  site.addUser('carla', 'a first password', ['staff'])
  // The server takes notice of users made beside it within a second.
  const carla = { username: 'carla', password: 'a first password' }
  await site.api('GET', '/users')
  const other = await newPage(browser, site)
  await signIn(other, carla)
  const page = await newPage(browser, site)
  await signIn(page, carla, '/profile')
  await page.getByText('this one').waitFor()
  await assertAll(page, 'profile')

  const fill = (label, text) => page.getByLabel(label, { exact: true }).fill(text)
  await fill('Current password', 'wrong')
  await fill('New password', 'a second password')
  await fill('New password again', 'a second passwort')
  await page.getByText('The two passwords differ.').waitFor()
  await fill('New password again', 'a second password')
  await page.getByRole('button', { name: 'Change password' }).click()
  await page.getByText('Incorrect old password').waitFor()
  await fill('Current password', carla.password)
  await page.getByRole('button', { name: 'Change password' }).click()
  await page.getByText('Password changed').first().waitFor()

  await page.getByRole('button', { name: 'Sign out there' }).click()
  await page.getByRole('dialog').getByText('127.0.0.1').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out there' }).click()
  await page.getByText('Session ended').first().waitFor()
  await other.goto('/profile')
  await other.waitForURL(/\/login/)
  await signIn(other, { ...carla, password: 'a second password' })
  await assertClean(page)
  await Promise.all([page.context().close(), other.context().close()])
})

test('an API token is shown once, works, and no longer once it is revoked', async () => {
  const page = await newPage(browser, site, { storageState: await session(browser, site) })
  await page.goto('/profile')
  await page.getByRole('button', { name: 'New token' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill('backup script')
  await assertAll(page, 'new token')
  await dialog.getByRole('button', { name: 'Create' }).click()
  const token = (await dialog.locator('code').first().innerText()).trim()
  const ask = async () => {
    const credentials = Buffer.from(`${ADMIN.username}:${token}`).toString('base64')
    const headers = { Authorization: `Basic ${credentials}` }
    return (await fetch(`${site.url}/api/v1/me`, { headers })).status
  }
  assert.equal(await ask(), 200)
  await dialog.getByRole('button', { name: 'Close' }).last().click()
  await page.getByRole('gridcell', { name: 'backup script' }).waitFor()
  await page.getByRole('button', { name: 'Revoke' }).click()
  await dialog.getByText('backup script').waitFor()
  await dialog.getByRole('button', { name: 'Revoke' }).click()
  await page.getByText('Token revoked').first().waitFor()
  assert.equal(await ask(), 401)
  await page.getByText('No API tokens').waitFor()
  await assertAll(page, 'profile')
  await page.context().close()
})

test('the overview follows what happens, without loading again', async () => {
  const page = await newPage(browser, site, { storageState: await session(browser, site) })
  await page.goto('/')
  await page.getByRole('img', { name: '2 clients online, 0 offline' }).waitFor()
  await page.getByText('All is well').waitFor()
  await page.getByText('No tunnel is open').waitFor()
  await page.getByText('Live', { exact: true }).waitFor()
  const path = '/clients/machine-1/tunnels?remote=22&scheme=ssh&check_port=0&acl=127.0.0.1'
  await site.api('PUT', path)
  await page.getByText('1 open tunnel').waitFor()
  const late = await site.addClient('late', { name: 'Late one' })
  await page.getByRole('img', { name: '3 clients online, 0 offline' }).waitFor()
  await late.stop()
  await page.getByRole('img', { name: '2 clients online, 1 offline' }).waitFor()
  await page.getByText('Late one').waitFor()
  const body = {
    client_ids: ['machine-1', 'machine-2'],
    command: '/bin/false',
    execute_concurrently: true,
  }
  await site.api('POST', '/commands', body)
  await page.getByText('Job failed on 2 of 2 clients').waitFor()
  await page.getByText('2 of 2 done').waitFor()
  await assertAll(page, 'overview')
  await page.context().close()
})

test('Ctrl+K finds a client by a part of its name', async () => {
  const page = await newPage(browser, site, { storageState: await session(browser, site) })
  await page.goto('/profile')
  await page.getByRole('heading', { name: 'Profile' }).waitFor()
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Find a client' }).fill('ine-2')
  await page.getByRole('option', { name: /machine-2/ }).waitFor()
  assert.equal(await page.getByRole('option').count(), 1)
  await page.getByRole('combobox', { name: 'Find a client' }).fill('nothing like it')
  await page.getByText('No client matches').waitFor()
  await page.getByRole('combobox', { name: 'Find a client' }).fill('machine-1')
  await page.getByRole('option', { name: /machine-1/ }).waitFor()
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/clients\/machine-1$/)
  await page.context().close()
})
