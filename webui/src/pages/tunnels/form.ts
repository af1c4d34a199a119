// The form of a new tunnel: what its fields may be, and the parameters that come from them.
import type { Query } from '@/api/query'
import type { Schemas } from '@/api/types'
import { tunnels } from '@/texts'

const t = tunnels.form
export type Kind = keyof typeof t.kinds
export type Protocol = Schemas['Tunnel']['protocol']

export interface TunnelForm {
  kind: Kind
  scheme: string
  host: string
  port: string
  protocol: Protocol
  /** None: everybody. */
  acl: string[] | null
  idle: keyof typeof t.idles
  auto: keyof typeof t.autos
  name: string
  local: string
  check: boolean
  proxy: boolean
  hostHeader: string
  authUser: string
  authPassword: string
}

export const PORTS: Record<Kind, string> = {
  ssh: '22',
  rdp: '3389',
  vnc: '5900',
  http: '80',
  https: '443',
  other: '',
}
/** The server can speak HTTPS before these. */
export const PROXIED: Kind[] = ['http', 'https', 'vnc', 'rdp']

export const newForm = (): TunnelForm => ({
  kind: 'ssh',
  scheme: '',
  host: '127.0.0.1',
  port: PORTS.ssh,
  protocol: 'tcp',
  acl: [],
  idle: '5',
  auto: '',
  name: '',
  local: '',
  check: true,
  proxy: false,
  hostHeader: '',
  authUser: '',
  authPassword: '',
})

export function withKind(form: TunnelForm, kind: Kind): TunnelForm {
  const untouched = Object.values(PORTS).includes(form.port)
  return {
    ...form,
    kind,
    port: untouched ? PORTS[kind] : form.port,
    protocol: kind === 'other' || kind === 'rdp' ? form.protocol : 'tcp',
    proxy: form.proxy && PROXIED.includes(kind),
  }
}

const OCTET = '(25[0-5]|2[0-4]\\d|1?\\d?\\d)'
const IPV4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}(/(3[0-2]|[12]?\\d))?$`)
const IPV6 = /^[0-9a-f:.]*:[0-9a-f:.]*(\/(12[0-8]|1[01]\d|[1-9]?\d))?$/i

/** Loosely: the server has the last word. */
export const isAddress = (text: string) => IPV4.test(text) || IPV6.test(text)

export const isPort = (text: string) => /^\d{1,5}$/.test(text) && +text >= 1 && +text <= 65535

export type FormErrors = Partial<
  Record<'scheme' | 'host' | 'port' | 'local' | 'acl' | 'auth', string>
>

export function aclError(acl: string[] | null): string | undefined {
  if (acl === null) return undefined
  if (acl.length === 0) return tunnels.acl.empty
  const bad = acl.find((one) => !isAddress(one))
  return bad === undefined ? undefined : tunnels.acl.bad(bad)
}

/** What is wrong, by field; empty when nothing is. */
export function check(form: TunnelForm): FormErrors {
  const errors: FormErrors = {}
  const put = (key: keyof FormErrors, wrong: boolean, text: string) => {
    if (wrong) errors[key] = text
  }
  const scheme = form.scheme.trim()
  put('scheme', form.kind === 'other' && !/^([a-z][a-z0-9+.-]{0,14})?$/i.test(scheme), t.schemeBad)
  put('host', !/^[^\s,/]+$/.test(form.host.trim()), t.hostBad)
  put('port', !isPort(form.port.trim()), t.portBad)
  put('local', form.local.trim() !== '' && !isPort(form.local.trim()), t.portBad)
  put('auth', form.proxy && (form.authUser === '') !== (form.authPassword === ''), t.authBoth)
  const acl = aclError(form.acl)
  if (acl) errors.acl = acl
  return errors
}

/** Parameters of PUT /clients/{client_id}/tunnels. */
export function parameters(form: TunnelForm): Query {
  const host = form.host.trim()
  const at = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  const proxy = form.proxy && PROXIED.includes(form.kind)
  const scheme = form.kind === 'other' ? form.scheme.trim() : form.kind
  return {
    remote: `${at}:${form.port.trim()}`,
    local: form.local.trim() || undefined,
    protocol: form.protocol,
    scheme: scheme || undefined,
    name: form.name.trim() || undefined,
    acl: form.acl === null ? '' : form.acl.join(','),
    check_port: form.check && form.protocol !== 'udp' ? undefined : '0',
    'idle-timeout-minutes': form.idle === 'none' ? undefined : Number(form.idle),
    'skip-idle-timeout': form.idle === 'none' ? true : undefined,
    'auto-close': form.auto || undefined,
    http_proxy: proxy || undefined,
    host_header: (proxy && form.hostHeader.trim()) || undefined,
    auth_user: (proxy && form.authUser) || undefined,
    auth_password: (proxy && form.authPassword) || undefined,
  }
}

/** "Without traffic after 5 minutes, in any case after 1 day" as a sentence. */
export function endInWords(form: TunnelForm): string {
  return t.summary(
    form.idle === 'none' ? '' : t.idles[form.idle],
    form.auto === '' ? '' : t.autos[form.auto],
  )
}

type Stored = Schemas['StoredTunnel']
type Further = Partial<
  Pick<TunnelForm, 'idle' | 'auto' | 'protocol' | 'proxy' | 'hostHeader' | 'check'>
>
const FURTHER = ['idle', 'auto', 'protocol', 'proxy', 'hostHeader', 'check'] as const

export const isKind = (scheme: string | null): scheme is Kind =>
  scheme !== null && scheme !== 'other' && scheme in t.kinds

/** What is kept of a form; a password is not. */
export function toStored(form: TunnelForm, name: string): Schemas['StoredTunnelNew'] {
  const further = Object.fromEntries(FURTHER.map((key) => [key, form[key]]))
  return {
    name: name.trim(),
    scheme: (form.kind === 'other' ? form.scheme.trim() : form.kind) || null,
    remote_ip: form.host.trim(),
    remote_port: Number(form.port),
    public_port: form.local.trim() === '' ? null : Number(form.local),
    acl: form.acl === null ? null : form.acl.join(','),
    further_options: further as never,
  }
}

/** further_options may hold what another program wrote: only what fits is taken. */
function furtherOf(value: unknown): Further {
  const base = newForm()
  if (typeof value !== 'object' || value === null) return {}
  const given = value as Record<string, unknown>
  const fits = FURTHER.filter((key) => {
    if (key === 'idle') return String(given[key]) in t.idles
    if (key === 'auto') return typeof given[key] === 'string' && (given[key] as string) in t.autos
    if (key === 'protocol') return String(given[key]) in t.protocols
    return typeof given[key] === typeof base[key]
  })
  return Object.fromEntries(fits.map((key) => [key, given[key]])) as Further
}

export function fromStored(stored: Stored): TunnelForm {
  const kind = isKind(stored.scheme) ? stored.scheme : 'other'
  return {
    ...newForm(),
    ...furtherOf(stored.further_options),
    kind,
    scheme: kind === 'other' ? (stored.scheme ?? '') : '',
    host: stored.remote_ip || '127.0.0.1',
    port: stored.remote_port ? String(stored.remote_port) : PORTS[kind],
    local: stored.public_port ? String(stored.public_port) : '',
    acl: stored.acl
      ? stored.acl
          .split(',')
          .map((a) => a.trim())
          .filter(Boolean)
      : null,
    name: stored.name,
  }
}
