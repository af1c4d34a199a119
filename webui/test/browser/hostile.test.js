// Clients whose every text is markup, script, control and bidi characters, and long (test/peer): nothing
// of it runs, gets into the page as an element, or moves it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertClean, assertFits, settled } from './lib/checks.js'
import { closeSite, openSite } from './lib/open.js'
import { eventually } from './lib/programs.js'

// Another user, or his script, may have written it.
const MARKUP = '<img src=x onerror="pwned=1">\u202e\u0007'
const HOSTILE_NOTE = {
  name: MARKUP + 'a'.repeat(9000),
  scheme: 'javascript:pwned=1',
  remote_ip: MARKUP,
  acl: MARKUP,
  further_options: { idle: MARKUP },
}
let site, open, worse, job
before(async () => {
  ;({ site, open } = await openSite({ clients: 1 }))
  await site.startPeer('evil', ['--hostile-fields', '--measure-every', '1s'])
  // A second one has an id of that kind too.
  await site.startPeer('', ['--hostile-fields'], { filter: 'filter[id]=*hostile*' })
  const ids = (await site.api('GET', '/clients?fields[clients]=id')).data.map(({ id }) => id)
  worse = ids.find((id) => id.includes('img'))
  assert.ok(worse)
  const body = { client_ids: ['evil', worse], command: 'id', abort_on_error: false }
  job = (await site.api('POST', '/commands', body)).data.jid
  const ended = async () => {
    const jobs = (await site.api('GET', `/commands/${job}/jobs`)).data
    return jobs.length === 2 && jobs.every(({ status }) => status !== 'running')
  }
  await eventually(ended, 'the job has ended')
  for (const id of ['evil', worse]) {
    const path = `/clients/${encodeURIComponent(id)}`
    await site.api('PUT', `${path}/tunnels?remote=9&check_port=0`)
    await site.api('POST', `${path}/stored-tunnels`, HOSTILE_NOTE)
  }
  await site.api('POST', '/client-groups', { id: 'theirs', params: { tag: ['plain-tag'] } })
  const measured = async () => (await site.api('GET', '/clients/evil/processes')).data.length > 0
  await eventually(measured, 'processes were measured')
})
after(closeSite)

const TABS = ['', '/tunnels', '/run', '/monitoring', '/updates', '/files', '/settings']
const PATHS = () => [
  '/',
  '/clients',
  '/tunnels',
  '/tunnels?view=stored',
  '/tunnels/new?client=evil',
  '/client-groups',
  '/jobs',
  '/jobs?view=single',
  `/jobs/${job}`,
  '/audit',
  ...['evil', worse].flatMap((id) => TABS.map((tab) => `/clients/${encodeURIComponent(id)}${tab}`)),
]

/** What of a hostile text has become more than text. */
function injected() {
  const found = []
  const own = (element) => element.closest('#app, body > *') !== null
  for (const element of document.querySelectorAll(
    'img[src="x"], iframe, object, embed, svg[onload], body script, [onerror], [onload], a[href^="javascript:"], a[href*="evil.example"]',
  ))
    if (own(element)) found.push(element.outerHTML.slice(0, 80))
  if ('pwned' in window) found.push(`ran: ${window.pwned}`)
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  const raw = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/
  for (const [where, text] of [
    ['title', document.title],
    ['text', document.body.innerText],
  ]) {
    const at = text.search(raw)
    if (at >= 0) found.push(`${where} has U+${text.charCodeAt(at).toString(16)} at ${at}`)
  }
  return found
}

async function check(page, where) {
  await settled(page)
  assert.deepEqual(await page.evaluate(injected), [], where)
  await assertFits(page, where)
  await assertClean(page, where)
}

for (const width of [1440, 360])
  test(`nothing comes through on any page, ${width} px wide`, async () => {
    const page = await open('/', { width })
    for (const path of PATHS()) {
      await page.goto(path)
      await check(page, `${path} at ${width}`)
    }
    await page.context().close()
  })

test('nor in what opens: a job with its output, the search', async () => {
  const page = await open('/clients/evil/run')
  await page
    .getByRole('row', { name: /Failed/ })
    .first()
    .click()
  await page.getByRole('dialog').waitFor()
  await check(page, 'a job')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Find a client' }).fill('window')
  await page.getByRole('option').first().waitFor()
  await check(page, 'search')
  await page.context().close()
})
