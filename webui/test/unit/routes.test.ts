import { describe, expect, it } from 'vitest'
import { mayOpen, navigation, type Rights } from '@/routes'
import { safeBack } from '@/back'

const nobody: Rights = { isAdmin: false, can: () => false }
const worker: Rights = { isAdmin: false, can: (p) => p === 'tunnels' }
const admin: Rights = { isAdmin: true, can: () => true }
const icon = {}
const page = (path: string, meta: object) => ({
  path,
  component: icon,
  meta: { title: path, ...meta },
})

describe('rights', () => {
  it('opens pages by permission and group', () => {
    expect(mayOpen({ title: 'a' }, nobody)).toBe(true)
    expect(mayOpen({ title: 'a', may: 'tunnels' }, nobody)).toBe(false)
    expect(mayOpen({ title: 'a', may: 'tunnels' }, worker)).toBe(true)
    expect(mayOpen({ title: 'a', may: ['commands', 'tunnels'] }, worker)).toBe(true)
    expect(mayOpen({ title: 'a', may: ['commands', 'scripts'] }, worker)).toBe(false)
    expect(mayOpen({ title: 'a', admin: true }, worker)).toBe(false)
    expect(mayOpen({ title: 'a', admin: true, may: 'vault' }, admin)).toBe(true)
  })

  it('shows in the navigation what may be opened, in order', () => {
    const routes = [
      page('/b', { nav: { section: 'watch', order: 2, icon } }),
      page('/a', { nav: { section: 'watch', order: 1, icon } }),
      page('/t', { may: 'tunnels', nav: { section: 'act', order: 1, icon } }),
      page('/u', { admin: true, nav: { section: 'admin', order: 1, icon } }),
      page('/hidden', {}),
    ]
    const paths = (rights: Rights) =>
      navigation(routes, rights).map(([section, entries]) => [section, entries.map((e) => e.path)])
    expect(paths(nobody)).toEqual([['watch', ['/a', '/b']]])
    expect(paths(admin)).toEqual([
      ['watch', ['/a', '/b']],
      ['act', ['/t']],
      ['admin', ['/u']],
    ])
  })
})

describe('safeBack', () => {
  it('only leads to pages of ours', () => {
    expect(safeBack('/clients?x=1#y')).toBe('/clients?x=1#y')
    for (const bad of [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example',
      'javascript:x',
      '',
      undefined,
      ['/a'],
    ])
      expect(safeBack(bad)).toBe('/')
  })
})
