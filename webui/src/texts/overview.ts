// The overview page.
import { plural } from './common'

export const overview = {
  title: 'Overview',
  clients: {
    title: 'Clients',
    online: 'Online',
    offline: 'Offline',
    picture: (on: number, off: number) =>
      `${plural(on, 'client', 'clients')} online, ${off.toLocaleString('en')} offline`,
    none: 'No client yet',
    noneText: 'Install the client on a machine and let it connect to this server.',
  },
}
