// Schedules and files.
export async function setup(site) {
  const make = (name, schedule, command, to) =>
    site.api('POST', '/schedules', { name, schedule, type: 'command', command, ...to })
  await make('nightly updates', '0 3 * * *', '/usr/bin/apt-get -y upgrade', {
    tags: { tags: ['prod'], operator: 'OR' },
  })
  await make('weekly report', 'CRON_TZ=Europe/Berlin 30 7 * * 1', '/usr/local/bin/report', {
    client_ids: ['db-01'],
  })
  await make('is it up?', '*/15 * * * *', '/usr/bin/uptime', { client_ids: ['web-01', 'kiosk-7'] })
}

export const pages = [
  { name: 'schedules', path: '/schedules' },
  {
    name: 'schedule-new',
    path: '/schedules',
    async open(page) {
      await page.getByRole('button', { name: 'Add schedule' }).click()
      await page.getByText(/^Next: /).waitFor()
    },
  },
  { name: 'upload', path: '/uploads' },
]
