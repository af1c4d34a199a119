// The overview page.
import { plural } from './common'

const n = (value: number) => value.toLocaleString('en')

export const overview = {
  title: 'Overview',
  clients: {
    title: 'Clients',
    online: 'Online',
    offline: 'Offline',
    picture: (on: number, off: number) =>
      `${plural(on, 'client', 'clients')} online, ${n(off)} offline`,
    none: 'No client yet',
    noneText: 'Install the client on a machine and let it connect to this server.',
    connect: 'Clients connect to',
    add: 'Add a machine',
  },
  systems: {
    title: 'Systems',
    linux: 'Linux',
    windows: 'Windows',
    darwin: 'macOS',
    other: 'Other',
    none: 'Nothing to count yet',
    bar: (name: string, count: number) => `${name}: ${plural(count, 'client', 'clients')}`,
  },
  tunnels: {
    title: 'Tunnels',
    open: (count: number) => plural(count, 'open tunnel', 'open tunnels'),
    none: 'No tunnel is open',
    noneText: 'Open one from the page of a client.',
    other: 'other',
    bar: (name: string, count: number) => `${name}: ${plural(count, 'tunnel', 'tunnels')}`,
  },
  problems: {
    title: 'Needs attention',
    none: 'All is well',
    noneText: 'Every known client is connected and no recent job has failed.',
    offline: 'offline',
    moreOffline: (count: number) => `and ${plural(count, 'more client', 'more clients')} offline`,
    failed: (failed: number, all: number) =>
      `Job failed on ${n(failed)} of ${plural(all, 'client', 'clients')}`,
  },
  jobs: {
    title: 'Recent jobs on many clients',
    none: 'No job yet',
    noneText: 'A command or a script that runs on many clients appears here.',
    progress: (done: number, all: number) => `${n(done)} of ${n(all)} done`,
    label: (id: string) => `Job ${id}`,
    scheduled: 'scheduled',
  },
}
