import { plural } from './common'

export const targets = {
  legend: 'Clients',
  by: 'Chosen by',
  byClients: 'Clients and groups',
  byTags: 'Tags',
  clients: 'Clients',
  clientsPlaceholder: 'Name, host name or ID',
  groups: 'Groups',
  groupsPlaceholder: 'Name of a group',
  tags: 'Tags',
  operator: 'A client has to have',
  any: 'any of these tags',
  all: 'all of these tags',
  remove: (name: string) => `Remove ${name}`,
  clear: (n: number) => `Remove all ${n.toLocaleString('en')}`,
  more: (n: number) => `and ${n.toLocaleString('en')} more`,
  nobody: 'Choose at least one client, group or tag.',
  counting: 'Counting …',
  count: (n: number, connected: number) =>
    n === 0
      ? 'No client fits.'
      : `${plural(n, 'client', 'clients')}, ${connected.toLocaleString('en')} of them connected now.`,
}
