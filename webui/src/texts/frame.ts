// The frame around the pages: navigation, sign-in, profile, overview.

export const frame = {
  navigation: {
    label: 'Main',
    open: 'Open navigation',
    close: 'Close navigation',
    skip: 'Skip to content',
    sections: {
      watch: 'Watch',
      act: 'Act',
      admin: 'Administer',
    },
  },
  topbar: {
    search: 'Find a client',
    searchHint: 'Name, host, address or tag',
    searchKeys: 'Ctrl K',
    searchNone: (text: string) => `No client matches “${text}”`,
    searchStart: 'Type a part of a name, host name, address or tag.',
    user: (name: string) => `${name}: signed in`,
    profile: 'Profile',
    apiDocs: 'API reference',
    signOut: 'Sign out',
  },
  theme: { label: 'Theme', light: 'Light', dark: 'Dark', system: 'As the system' },
  live: {
    on: 'Live',
    connecting: 'Connecting …',
    off: 'Not live: trying again',
    explainOn: 'This page shows changes as they happen.',
    explainOff: 'The connection for live changes is interrupted; it is tried again by itself.',
    lost: 'No connection to the server: what you see may have changed. It is tried again by itself.',
    retry: 'Try now',
  },
  notFound: {
    title: 'There is no such page',
    text: 'The address may be mistyped, or what it showed has been deleted.',
    home: 'To the overview',
  },
  forbidden: {
    title: 'Not for this account',
    text: 'Your user groups do not have the permission for this page. An administrator can give it.',
  },
}
