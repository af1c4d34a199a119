import { eventually } from '../lib/programs.js'

export const pages = [
  { name: 'sign-in', path: '/login', user: 'nobody' },
  { name: 'overview', path: '/' },
  { name: 'profile', path: '/profile' },
  { name: 'not-found', path: '/nowhere' },
]

async function openTunnels(site) {
  const open = (id, query) =>
    site.api('PUT', `/clients/${id}/tunnels?check_port=0&acl=127.0.0.1&${query}`)
  await open('web-01', 'remote=22&scheme=ssh&name=shell')
  await open('db-01', 'remote=22&scheme=ssh')
  await open('db-01', 'remote=5432&scheme=postgres')
  await open('kiosk-7', 'remote=3389&scheme=rdp')
}

async function runJobs(site) {
  const client_ids = ['web-01', 'db-01', 'kiosk-7']
  const commands = ['/bin/uname -a', '! grep -q kiosk-7 /proc/$PPID/cmdline', '/bin/date']
  for (const command of commands) {
    const body = { client_ids, command, timeout_sec: 30, execute_concurrently: true }
    const { jid } = (await site.api('POST', '/commands', body)).data
    const isDone = async () =>
      (await site.api('GET', `/commands/${jid}/jobs?filter[status]=running&fields[jobs]=jid`)).data
        .length === 0
    await eventually(isDone, `job ${jid} is done`)
  }
}

export async function setup(site) {
  const away = await site.addClient('backup-2', { name: 'Backup, second site' })
  await away.stop()
  await openTunnels(site)
  await runJobs(site)
}
