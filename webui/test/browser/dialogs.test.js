// Windows over the page: where the focus goes and returns to, and what a stray click or key may do.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { launch, newPage, session } from './lib/browser.js'
import { assertClean } from './lib/checks.js'
import { startSite } from './lib/site.js'

let site, browser, state
before(async () => {
  ;[site, browser] = await Promise.all([startSite({ clients: 1 }), launch()])
  state = await session(browser, site)
})
after(async () => {
  await browser?.close()
  await site?.stop()
})
const open = async (path) => {
  const page = await newPage(browser, site, { storageState: state })
  await page.goto(path)
  return page
}
const focused = (page) =>
  page.evaluate(() => {
    const at = document.activeElement
    return at?.getAttribute('aria-label') ?? at?.labels?.[0]?.textContent?.trim() ?? at?.tagName
  })

test('a form has the focus in its first field, and gives it back', async () => {
  const page = await open('/users')
  const menu = page.getByRole('button', { name: 'Actions for admin' })
  await menu.focus()
  await page.keyboard.press('Enter')
  await page.getByRole('menuitem', { name: 'Edit' }).waitFor()
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog', { name: 'Edit admin' })
  await dialog.waitFor()
  assert.equal(await focused(page), 'User name')
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await page.waitForFunction(
    () => document.activeElement?.getAttribute('aria-label') === 'Actions for admin',
  )

  await page.getByRole('button', { name: 'Add user' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: 'Add user' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.waitForFunction(() => /Add user/.test(document.activeElement?.textContent ?? ''))
  await assertClean(page)
  await page.context().close()
})

test('neither a click beside a form nor Escape throws away what was typed', async () => {
  const page = await open('/users')
  await page.getByRole('button', { name: 'Add user' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add user' })
  await page.mouse.click(5, 500)
  await dialog.waitFor({ state: 'detached' })

  await page.getByRole('button', { name: 'Add user' }).click()
  await dialog.getByText('A name and a password are needed.').waitFor()
  await dialog.getByLabel('User name').fill('gina')
  await page.mouse.click(5, 500)
  await page.keyboard.press('Escape')
  const question = page.getByRole('dialog', { name: 'Close without saving?' })
  await question.getByText('Add user').waitFor()
  await question.getByRole('button', { name: 'Cancel' }).click()
  await question.waitFor({ state: 'detached' })
  assert.equal(await dialog.getByLabel('User name').inputValue(), 'gina')
  await dialog.getByLabel('User name').focus()
  await page.keyboard.press('Escape')
  await question.getByRole('button', { name: 'Close', exact: true }).last().click()
  await dialog.waitFor({ state: 'detached' })
  await assertClean(page)
  await page.context().close()
})

test('text is copied also where the browser has no clipboard for the page', async () => {
  const page = await newPage(browser, site, { storageState: state })
  await page.addInitScript(() =>
    Object.defineProperty(navigator, 'clipboard', { value: undefined }),
  )
  await page.goto('/server')
  await page.getByRole('button', { name: 'Copy' }).first().click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  const text = await page.locator('code').first().innerText()
  const other = await page.context().newPage()
  await other.goto('/profile')
  await other.bringToFront()
  assert.equal(await other.evaluate(() => navigator.clipboard.readText()), text.trim())
  await assertClean(page)
  await page.context().close()
})
