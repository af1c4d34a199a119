// Signing in, with its second factor.

export const login = {
  title: 'Sign in',
  username: 'User name',
  password: 'Password',
  submit: 'Sign in',
  refused: 'User name or password is wrong.',
  tooSoon: 'That was too soon after a failed attempt: wait two seconds, then try again.',
  locked: 'This address is locked for a while after too many failed attempts.',
  ended: 'Your session has ended. Sign in again to go on where you were.',
  leave: 'Leave this page',
  expired: {
    title: 'Choose a new password',
    text: 'Your password has expired. Choose a new one to go on.',
    password: 'New password',
    repeat: 'New password again',
    differ: 'The two passwords differ.',
    submit: 'Change and sign in',
  },
  code: {
    title: 'Second step',
    label: 'Code',
    app: 'Type the six digits that your authenticator app shows for this server.',
    sent: (where: string) => `A code was sent to ${where}. It is good for a few minutes.`,
    sentSomewhere: 'A code was sent to you. It is good for a few minutes.',
    refused: 'This code is wrong or too old.',
    submit: 'Confirm',
    back: 'Sign in as someone else',
  },
  enrol: {
    title: 'Connect your authenticator app',
    text: 'This server asks for a code from an authenticator app. Scan the picture with the app, or type the key, then enter the code that the app shows.',
    make: 'Show the key',
    qr: 'QR code with the key for the authenticator app',
    key: 'Key',
    once: 'The key is shown only now.',
  },
}
