import { describe, expect, test } from 'vitest'
import * as forms from '@/pages/tunnels/form'
import * as links from '@/pages/tunnels/links'

const tunnel = (more: Partial<links.Tunnel> = {}): links.Tunnel => ({
  id: '1',
  name: '',
  protocol: 'tcp',
  lhost: '0.0.0.0',
  lport: '20022',
  lport_random: true,
  owner: 'admin',
  rhost: '127.0.0.1',
  rport: '22',
  scheme: 'ssh',
  acl: null,
  idle_timeout_minutes: 5,
  auto_close: 0,
  http_proxy: false,
  host_header: '',
  auth_user: '',
  auth_password: '',
  tunnel_url: '',
  created_at: '2026-11-22T18:18:46.812645677Z',
  ...more,
})

describe('using a tunnel', () => {
  test('ssh', () => {
    expect(links.command(tunnel(), 'example.org', 'root')).toBe('ssh -p 20022 root@example.org')
    expect(links.command(tunnel(), '[2001:db8::1]', '')).toBe('ssh -p 20022 2001:db8::1')
    expect(links.link(tunnel(), '2001:db8::1', 'me')).toBe('ssh://me@[2001:db8::1]:20022')
    expect(links.link(tunnel(), 'example.org', '')).toBe('ssh://example.org:20022')
  })
  test('a user name cannot become an option, a command or another host', () => {
    for (const bad of ['-oProxyCommand=x', 'a b', '$(x)', "a'b", 'a;b', 'a/b', 'a\nb'])
      expect(links.command(tunnel(), 'h', bad)).toBe('ssh -p 20022 h')
    expect(links.link(tunnel(), 'h', 'a@evil')).toBe('ssh://a%40evil@h:20022')
  })
  test('web pages, with HTTPS in front where the server does that', () => {
    expect(links.link(tunnel({ scheme: 'http' }), 'h', 'x')).toBe('http://h:20022')
    const proxied = tunnel({ scheme: 'http', http_proxy: true })
    expect(links.link(proxied, 'h', '')).toBe('https://h:20022')
    expect(links.isWeb('https://h:1')).toBe(true)
    expect(links.isWeb('ssh://h:1')).toBe(false)
  })
  test('a scheme that a client made up is no link', () => {
    for (const scheme of ['javascript', 'data', 'file', 'mysql', '', null])
      expect(links.link(tunnel({ scheme }), 'h', '')).toBeUndefined()
    expect(links.link(tunnel({ lport: '1/evil' }), 'h', '')).toBeUndefined()
  })
  test('a file for Remote Desktop', () => {
    expect(links.rdpFile(tunnel(), 'h', '')).toBeUndefined()
    const text = links.rdpFile(tunnel({ scheme: 'rdp' }), 'h', 'DOM\\me')
    expect(text).toBe(
      'full address:s:h:20022\r\nprompt for credentials:i:1\r\nusername:s:DOM\\me\r\n',
    )
  })
  test('its end', () => {
    expect(links.endTime(tunnel())).toBeUndefined()
    expect(links.endTime(tunnel({ auto_close: 3.6e12 }))).toBe('2026-11-22T19:18:46.812Z')
  })
})

describe('the form of a tunnel', () => {
  test('becomes parameters', () => {
    const form = { ...forms.newForm(), acl: ['10.0.0.1', '10.1.0.0/16'], auto: '1h' as const }
    expect(forms.check(form)).toEqual({})
    expect(forms.parameters(form)).toMatchObject({
      remote: '127.0.0.1:22',
      protocol: 'tcp',
      scheme: 'ssh',
      acl: '10.0.0.1,10.1.0.0/16',
      'idle-timeout-minutes': 5,
      'auto-close': '1h',
    })
    const open = forms.parameters({ ...form, acl: null, idle: 'none', host: '2001:db8::5' })
    expect(open).toMatchObject({ acl: '', 'skip-idle-timeout': true, remote: '[2001:db8::5]:22' })
    expect(open['idle-timeout-minutes']).toBeUndefined()
  })
  test('says what is wrong', () => {
    const bad = { ...forms.newForm(), host: 'a b', port: '70000', local: 'x', acl: ['nonsense'] }
    expect(Object.keys(forms.check(bad)).sort()).toEqual(['acl', 'host', 'local', 'port'])
    expect(forms.aclError([])).toBeDefined()
    expect(forms.aclError(null)).toBeUndefined()
    const half = { ...forms.newForm(), kind: 'http' as const, proxy: true, authUser: 'a' }
    expect(forms.check({ ...half, acl: null })).toHaveProperty('auth')
  })
  test('addresses and networks', () => {
    for (const good of ['1.2.3.4', '10.0.0.0/8', '::1', '2001:db8::/32'])
      expect(forms.isAddress(good)).toBe(true)
    for (const bad of ['1.2.3', '256.1.1.1', '1.2.3.4/33', 'host', '::1/129', ''])
      expect(forms.isAddress(bad)).toBe(false)
  })
  test('another kind brings its port, unless one was typed', () => {
    expect(forms.withKind(forms.newForm(), 'rdp').port).toBe('3389')
    expect(forms.withKind({ ...forms.newForm(), port: '2222' }, 'rdp').port).toBe('2222')
  })
  test('is stored and comes back; what others stored is taken as far as it fits', () => {
    const form: forms.TunnelForm = {
      ...forms.newForm(),
      kind: 'other',
      scheme: 'mysql',
      port: '3306',
      acl: ['10.0.0.1'],
      idle: '60',
      protocol: 'udp',
      name: 'db',
    }
    const stored = { ...forms.toStored(form, 'db'), id: 'x', created_at: '' }
    expect(forms.fromStored(stored as never)).toEqual(form)
    const foreign = { ...stored, further_options: { idle: 7, protocol: 'icmp', proxy: 'yes' } }
    expect(forms.fromStored(foreign as never)).toMatchObject({
      idle: '5',
      protocol: 'tcp',
      proxy: false,
    })
  })
})
