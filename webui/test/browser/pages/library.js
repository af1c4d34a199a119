const base64 = (text) => Buffer.from(text).toString('base64')

export async function setup(site) {
  const scripts = [
    ['Disk space', 'df -h | sort -k5 -r | head\n', ['disk', 'daily'], '/bin/bash'],
    ['Restart the shop', 'systemctl restart shop\nsystemctl status shop\n', ['shop'], ''],
    ['Windows updates', 'Get-WUList | Format-Table\n', ['updates', 'windows'], 'powershell'],
  ]
  for (const [name, text, tags, interpreter] of scripts)
    await site.api('POST', '/library/scripts', { name, script: base64(text), tags, interpreter })
  for (const [name, cmd, tags] of [
    ['Uptime', '/usr/bin/uptime', ['daily']],
    ['Kernel', '/usr/bin/uname -srm', []],
  ])
    await site.api('POST', '/library/commands', { name, cmd, tags })
}

async function edit(page, name) {
  await page.getByRole('row').filter({ hasText: name }).press('Enter')
  await page.getByRole('dialog').waitFor()
}

export const pages = [
  { name: 'library-scripts', path: '/library' },
  { name: 'library-commands', path: '/library?kind=commands' },
  { name: 'library-edit', path: '/library', open: (page) => edit(page, 'Disk space') },
]
