// What holds on every page.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** No violation of the policy, no error in the console, no dialog, nothing thrown. */
export async function assertClean(page, where = page.url()) {
  const violations = await page.evaluate(() => window.__violations)
  assert.deepEqual([...page.problems, ...(violations ?? [])], [], where)
}

/** axe-core finds no serious or critical violation. */
export async function assertAccessible(page, where = page.url()) {
  // By the debugger: the page's policy forbids scripts that it does not know.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE)
  const { violations } = await page.evaluate(() =>
    window.axe.run(document, { resultTypes: ['violations'] }),
  )
  const bad = violations
    .filter((v) => v.impact === 'serious' || v.impact === 'critical')
    .map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join('; ')}`)
  assert.deepEqual(bad, [], where)
}

/** The page as a whole does not scroll sideways. */
export async function assertFits(page, where = page.url()) {
  const [inner, whole] = await page.evaluate(() => [
    document.documentElement.clientWidth,
    document.documentElement.scrollWidth,
  ])
  assert.ok(whole <= inner, `${where} is ${whole} px wide in a window of ${inner} px`)
}

/** The page has what it loads: no skeleton is left. */
export async function settled(page) {
  await page.waitForFunction(
    () => document.querySelector('h1') && !document.querySelector('.skeleton, [aria-busy="true"]'),
  )
}

export async function assertAll(page, where) {
  await settled(page)
  await assertFits(page, where)
  await assertAccessible(page, where)
  await assertClean(page, where)
}
