import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
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

async function runJob(site, client_ids, command) {
  const body = { client_ids, command, timeout_sec: 30, execute_concurrently: true }
  const { jid } = (await site.api('POST', '/commands', body)).data
  const path = `/commands/${jid}/jobs?filter[status]=running&fields[jobs]=jid`
  const isDone = async () => (await site.api('GET', path)).data.length === 0
  await eventually(isDone, `job ${jid} is done`)
}

// Not every machine runs Linux: an installed client would say so.
async function startForeign(site, id, about) {
  const file = join(site.folder, `${id}.json`)
  const rest = {
    OSVirtualizationRole: 'guest',
    OSVirtualizationSystem: '',
    OSArch: 'amd64',
    Version: '0.9.14',
  }
  const processor = { CPUFamily: '6', CPUModel: '85', CPUVendor: 'GenuineIntel', NumCPUs: 4 }
  const request = {
    ID: id,
    SessionID: id,
    ...rest,
    ...processor,
    MemoryTotal: 8 * 2 ** 30,
    ...about,
  }
  writeFileSync(file, JSON.stringify({ IPv4: ['192.168.7.20'], Tags: [], Remotes: [], ...request }))
  await site.startPeer(id, ['--raw-new-connection', file])
}

export async function setup(site) {
  const away = await site.addClient('backup-2', { name: 'Backup, second site' })
  await away.stop()
  await startForeign(site, 'till-3', {
    Name: 'Till 3',
    Hostname: 'till-3',
    OS: 'Microsoft Windows Server 2022 Standard',
    OSFullName: 'Microsoft Windows Server 2022 Standard',
    OSVersion: '10.0.20348 Build 20348',
    OSFamily: 'Server',
    OSKernel: 'windows',
    Timezone: 'CET (UTC+01:00)',
    Tags: ['till', 'prod'],
  })
  await site.api('POST', '/me/tokens', { name: 'nightly backup', scope: 'read+write' })
  await openTunnels(site)
  const all = ['web-01', 'db-01', 'kiosk-7']
  await runJob(site, all, '/bin/uname -a')
  // The one that is away cannot.
  await runJob(site, [...all, 'backup-2'], '/usr/bin/uptime')
  await runJob(site, all, '/bin/date')
}
