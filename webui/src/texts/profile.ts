// The profile page.
import type { Permission } from '@/stores/session'

export const permissionNames: Record<Permission, string> = {
  auditlog: 'Audit log',
  commands: 'Commands',
  monitoring: 'Monitoring',
  scheduler: 'Schedules',
  scripts: 'Scripts',
  tunnels: 'Tunnels',
  uploads: 'Uploads',
  vault: 'Vault',
}

export const profile = {
  title: 'Profile',
  text: 'Your account, how you sign in, and where you are signed in.',
  account: {
    title: 'Account',
    name: 'User name',
    groups: 'User groups',
    noGroups: 'None',
    address: 'Your address, as the server sees it',
    rights: 'You may use',
    noRights: 'Nothing beyond looking at clients',
  },
  password: {
    title: 'Password',
    old: 'Current password',
    fresh: 'New password',
    freshHint: (least: number) => (least > 0 ? `At least ${least} characters.` : ''),
    repeat: 'New password again',
    differ: 'The two passwords differ.',
    save: 'Change password',
    saved: 'Password changed',
    static: 'Users of this server stand in its configuration file; the password is changed there.',
  },
  factor: {
    title: 'Second factor',
    off: 'This server asks for the password alone. An administrator can turn a second factor on in its configuration.',
    code: (how: string) => `After the password a code is asked for, which is sent by ${how}.`,
    sendTo: 'Send codes to',
    saved: 'Codes go there from now on',
    app: 'After the password a code of your authenticator app is asked for.',
    renew: 'Set up another app',
    renewQuestion: 'Set up another authenticator app?',
    renewText:
      'The key that your app has now stops working at once. Have the other app at hand: the new key is shown only once.',
    scan: 'Scan the picture with the app, or type the key. The code that it then shows is asked for when you next sign in.',
    qr: 'QR code with the key for the authenticator app',
    key: 'Key',
  },
  sessions: {
    title: 'Where you are signed in',
    columns: { browser: 'Program', address: 'Address', used: 'Last used', ends: 'Ends' },
    current: 'this one',
    end: 'Sign out there',
    endQuestion: 'End this session?',
    endText: 'Whoever uses it has to sign in again.',
    ended: 'Session ended',
    unknown: 'Unknown program',
    on: (browser: string, system: string) => `${browser} on ${system}`,
    none: 'No session',
  },
}
