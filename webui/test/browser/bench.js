// How long the list of 10,000 clients takes in Chromium for one action of a user: from the action until
// what was asked for is painted. RPORT_BENCH is the folder with the program that fills the store.
import { join } from 'node:path'
import { launch, newPage, signIn } from './lib/browser.js'
import { pause, run } from './lib/programs.js'
import { startSite } from './lib/site.js'

const CLIENTS = Number(process.argv[2] ?? 10_000)
const TURNS = 30
const fill = join(process.env.RPORT_BENCH ?? '../build/release-openssl/test/bench', 'fleet')

const site = await startSite({
  prepare: (folder) => run(fill, [join(folder, 'data'), String(CLIENTS), '1000']),
})
const browser = await launch()

/** Runs in the page: acts, waits until what is in view is there and painted; answers milliseconds. */
function measure([kind, value]) {
  const box = document.querySelector('.box.virtual')
  const count = () => document.querySelector('h1 .count')?.textContent
  const ready = () => {
    const { top, bottom } = box.getBoundingClientRect()
    const seen = [...box.querySelectorAll('.body > .line')].filter((line) => {
      const at = line.getBoundingClientRect()
      return at.bottom > top + 40 && at.top < bottom
    })
    const loaded = seen.length > 0 && seen.every((line) => line.querySelector('a'))
    if (kind === 'scroll') return loaded
    return loaded && !box.querySelector('[aria-busy="true"]') && count() !== before
  }
  const before = count()
  const from = performance.now()
  if (kind === 'scroll') box.scrollTop = value * (box.scrollHeight - box.clientHeight)
  else {
    const input = document.querySelector('input[type="search"].search')
    input.value = value
    input.dispatchEvent(new Event('input'))
  }
  return new Promise((resolve) => {
    const look = () =>
      ready()
        ? requestAnimationFrame(() => resolve(performance.now() - from))
        : requestAnimationFrame(look)
    requestAnimationFrame(look)
  })
}

function tell(name, times) {
  const sorted = [...times].sort((a, b) => a - b)
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  const text = (n) => `${Math.round(n)} ms`.padStart(8)
  console.log(`${name.padEnd(28)}${text(at(0.5))}${text(at(0.95))}${text(sorted.at(-1))}`)
}

try {
  const page = await newPage(browser, site)
  await signIn(page, undefined, '/clients')
  await page.getByText(`${CLIENTS.toLocaleString('en')} clients`).waitFor()
  const times = { scroll: [], search: [], clear: [] }
  for (let i = 0; i < TURNS; i++) {
    times.scroll.push(await page.evaluate(measure, ['scroll', ((i * 7919) % 997) / 997]))
    await pause(500)
    times.search.push(await page.evaluate(measure, ['search', `site-${10 + i}`]))
    await pause(500)
    times.clear.push(await page.evaluate(measure, ['search', '']))
  }
  console.log(`${CLIENTS} clients, ${TURNS} times`.padEnd(28) + '  median     95 %     most')
  tell('scroll anywhere', times.scroll)
  tell('search', times.search)
  tell('clear the search', times.clear)
  if (page.problems.length > 0) throw new Error(page.problems.join('\n'))
} finally {
  await browser.close()
  await site.stop()
}
