import { eventually } from '../lib/programs.js'

const SCRIPT = `#!/bin/sh
# What is full?
df -h / | tail -1
for i in 1 2 3; do echo "check $i of 3: fine"; done
`

async function run(site, path, body) {
  const { data } = await site.api('POST', path, body)
  await eventually(async () => {
    const query = `filter[jid]=${data.jid}&fields[commands]=targets`
    return (await site.api('GET', `/commands?${query}`)).data[0]?.targets === null
  }, `job ${data.jid} has ended`)
  return data.jid
}

export async function setup(site) {
  const all = { client_ids: ['web-01', 'db-01', 'kiosk-7'] }
  const script = Buffer.from(SCRIPT).toString('base64')
  await run(site, '/commands', { ...all, command: '/usr/bin/uptime' })
  await run(site, '/commands', {
    ...all,
    command: '/usr/bin/test -d /srv/none',
    abort_on_error: false,
  })
  site.jobs = { done: await run(site, '/scripts', { ...all, script, execute_concurrently: true }) }
  await site.api('POST', '/commands', { ...all, command: '/usr/bin/sleep 600', timeout_sec: 900 })
}

export const pages = [
  { name: 'jobs', path: '/jobs' },
  { name: 'jobs-single', path: '/jobs?view=single' },
  { name: 'job', path: (site) => `/jobs/${site.jobs.done}` },
  { name: 'job-new', path: (site) => `/jobs/new?again=${site.jobs.done}` },
]
