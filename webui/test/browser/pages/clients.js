// Clients and tunnels, with what makes them worth a look.
export async function setup(site) {
  const tunnel =
    'remote=127.0.0.1:22&scheme=ssh&check_port=0&name=Maintenance&acl=203.0.113.0/24&auto-close=8h'
  await site.api('PUT', `/clients/web-01/tunnels?${tunnel}`)
  await site.api('PUT', '/clients/db-01/tunnels?remote=10.0.3.7:5432&check_port=0&acl=')
  await site.api('POST', '/clients/web-01/stored-tunnels', {
    name: 'Router',
    scheme: 'https',
    remote_ip: '192.168.1.1',
    remote_port: 443,
    acl: '203.0.113.0/24',
  })
  const shell = { scheme: 'ssh', remote_port: 22, public_port: 20022, acl: '203.0.113.7' }
  await site.api('POST', '/clients/db-01/stored-tunnels', { name: 'Maintenance shell', ...shell })
  await site.api('POST', '/clients/kiosk-7/stored-tunnels', {
    name: 'Desktop',
    scheme: 'rdp',
    remote_port: 3389,
  })
  for (const command of ['/usr/bin/uptime', '/usr/bin/df -h /', '/usr/bin/ls /nowhere'])
    await site.api('POST', '/clients/web-01/commands', { command })
  const groups = [
    { id: 'production', description: 'Guarded well', params: { tag: ['prod'] } },
    {
      id: 'kiosks-porto',
      description: 'All in Porto',
      params: { tag: ['kiosk'], name: ['Kiosk*'] },
    },
  ]
  for (const group of groups) await site.api('POST', '/client-groups', group)
  const gone = await site.addClient('old-02', { name: 'Till, second floor', tags: ['kiosk'] })
  await site.api('POST', '/clients/old-02/stored-tunnels', { name: 'Till shell', ...shell })
  await gone.stop()
}

const at = (part) => `/clients/web-01${part}`
export const pages = [
  { name: 'clients', path: '/clients' },
  {
    name: 'clients-selected',
    path: '/clients?tags=prod',
    open: (page) => page.getByRole('checkbox', { name: 'Select row' }).first().check(),
  },
  {
    name: 'clients-filter',
    path: '/clients',
    open: (page) => page.getByRole('button', { name: 'Add filter' }).click(),
  },
  { name: 'client', path: at('') },
  { name: 'client-offline', path: '/clients/old-02' },
  { name: 'client-tunnels', path: at('/tunnels') },
  {
    name: 'client-run',
    path: at('/run'),
    async open(page) {
      await page.getByLabel('Command line').fill('/usr/bin/ls -l --color /usr /nowhere')
      await page.keyboard.press('Enter')
      await page.getByRole('status').getByText('Failed').waitFor()
    },
  },
  {
    name: 'client-script',
    path: at('/run'),
    async open(page) {
      await page.getByRole('button', { name: 'Script' }).click()
      await page.getByRole('button', { name: 'Options' }).click()
      await page
        .getByRole('textbox', { name: 'Script' })
        .fill(
          '#!/bin/sh\n# Who is there?\nfor user in $(who | cut -d" " -f1); do\n\techo "$user"\ndone',
        )
    },
  },
  {
    name: 'client-job',
    path: at('/run'),
    async open(page) {
      await page.getByRole('row', { name: /df -h/ }).first().click()
      await page.getByRole('dialog').getByText('Successful').waitFor()
    },
  },
  { name: 'client-monitoring', path: at('/monitoring') },
  { name: 'client-updates', path: at('/updates') },
  { name: 'client-files', path: at('/files') },
  { name: 'client-settings', path: at('/settings') },
  { name: 'client-groups', path: '/client-groups' },
  {
    name: 'client-group',
    path: '/client-groups',
    async open(page) {
      await page.getByRole('button', { name: 'Actions for the group production' }).click()
      await page.getByRole('menuitem', { name: 'Change …' }).click()
    },
  },
  { name: 'tunnels', path: '/tunnels' },
  { name: 'tunnels-stored', path: '/tunnels?view=stored' },
  { name: 'tunnel-new', path: '/tunnels/new?client=web-01' },
  {
    name: 'tunnel-use',
    path: '/tunnels',
    open: (page) => page.getByRole('row', { name: /Maintenance/ }).click(),
  },
]
