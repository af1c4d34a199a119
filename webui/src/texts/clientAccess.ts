import { plural } from './common'

export const clientAccess = {
  title: 'Client access',
  text: 'How new machines come to this server: one line to copy, or credentials for their configuration file.',
  pairing: {
    title: 'Add a machine',
    text: 'A code brings a new client to this server: it fetches its credentials and the fingerprint of the server. It ends by itself.',
    make: 'Make a code',
    noCredentials: 'There are no credentials that a new client could get: add some below first.',
    credentials: 'Credentials it gets',
    uses: 'For how many machines',
    lifetime: 'Valid for',
    apiUrl: 'Address of this server as the machine sees it',
    apiUrlHint: 'The page’s own address, unless the machine reaches the server by another name.',
    insecure:
      'The address does not begin with https: someone in between could change the script on its way. Better copy the client there yourself and use the second line.',
    lifetimes: [
      { value: 600, label: '10 minutes' },
      { value: 3600, label: 'an hour' },
      { value: 86400, label: 'a day' },
      { value: 604800, label: 'a week' },
    ],
    made: {
      title: 'Run one of these on the machine',
      install: 'Linux without the client: installs it and pairs it',
      pair: 'With the client installed',
      code: 'Code',
      fingerprint: 'Fingerprint of the server',
      once: 'The code is shown only now.',
    },
    open: 'Codes that are valid',
    none: 'No codes are open',
    columns: {
      id: 'Code begins with',
      credentials: 'Credentials',
      used: 'Used',
      by: 'Made by',
      ends: 'Ends',
      actions: 'Actions',
    },
    used: (used: number, uses: number) => `${used} of ${uses}`,
    end: 'End code',
    ended: 'The code has ended',
    confirmEnd: {
      title: 'End this code?',
      text: 'Machines that came by it stay. No other can come.',
      action: 'End code',
    },
  },
  credentials: {
    title: 'Credentials of clients',
    text: 'What clients log in with ([client] auth = "id:password").',
    readOnly: 'They come from the configuration and cannot be changed here.',
    add: 'Add credentials',
    none: 'No credentials',
    columns: { id: 'ID', clients: 'Clients', actions: 'Actions' },
    clients: (n: number) => plural(n, 'client', 'clients'),
    form: {
      title: 'Add credentials',
      id: 'ID',
      idHint: 'At least 3 characters, no colon.',
      idColon:
        'A colon separates ID and password in the client’s configuration: use another character.',
      password: 'Password',
      generate: 'Generate',
      line: 'Line for the client’s configuration',
      once: 'The password is shown only now.',
    },
    added: (id: string) => `Added ${id}`,
    deleted: (id: string) => `Deleted ${id}`,
    confirm: {
      title: 'Delete these credentials?',
      text: 'No client can log in with them any more.',
      used: (n: number) =>
        `${plural(n, 'known client logs', 'known clients log')} in with them and will be disconnected and deleted too.`,
    },
  },
}
