export const pages = [
  { name: 'sign-in', path: '/login', user: 'nobody' },
  { name: 'overview', path: '/' },
  { name: 'not-found', path: '/nowhere' },
]
