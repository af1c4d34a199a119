// Users and their groups, access of clients, the vault, the logs, the server.
export async function setup(site) {
  site.addGroup('Operators', { tunnels: true, commands: true, scripts: true, monitoring: true })
  site.addGroup('Auditors', { auditlog: true })
  site.addUser('olga', 'olga has a password', ['Operators'])
  site.addUser('anton', 'anton has a password', ['Operators', 'Auditors'])
  await site.api('POST', '/clients-auth', { id: 'branch-office', password: 'of the branch' })
  await site.api('POST', '/pairing', { client_auth_id: 'branch-office', uses: 5, lifetime: 86400 })
  await site.api('POST', '/vault-admin/init', { password: 'opens the vault' })
  for (const [key, client_id] of [
    ['root password', 'web-01'],
    ['licence of the shop', ''],
    ['recovery notes', 'db-01'],
  ])
    await site.api('POST', '/vault', { key, client_id, value: 'kept', type: 'secret' })
}

const press = (name) => (page) => page.getByRole('button', { name, exact: true }).click()
export const pages = [
  { name: 'users', path: '/users' },
  { name: 'user-new', path: '/users', open: press('Add user') },
  {
    name: 'user-sessions',
    path: '/users',
    async open(page) {
      await page.getByRole('button', { name: 'Actions for admin' }).click()
      await page.getByRole('menuitem', { name: 'Sessions' }).click()
      await page.getByRole('button', { name: 'End session' }).first().waitFor()
    },
  },
  { name: 'user-groups', path: '/user-groups' },
  { name: 'client-access', path: '/client-access' },
  {
    name: 'pairing',
    path: '/client-access',
    async open(page) {
      await press('Make a code')(page)
      await page.getByRole('dialog').getByRole('button', { name: 'Make a code' }).click()
      await page.getByText('Run one of these on the machine').waitFor()
    },
  },
  { name: 'vault', path: '/vault' },
  { name: 'vault-new', path: '/vault', open: press('Add secret') },
  { name: 'audit', path: '/audit' },
  {
    name: 'audit-entry',
    path: '/audit',
    async open(page) {
      await page.getByRole('row').nth(1).click()
      await page.getByRole('dialog').waitFor()
    },
  },
  { name: 'notifications', path: '/notifications' },
  { name: 'server', path: '/server' },
]
