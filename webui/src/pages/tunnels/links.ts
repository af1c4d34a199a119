// How a tunnel is used: commands, links and files for the programs that connect.
import type { Schemas } from '@/api/types'

export type Tunnel = Schemas['Tunnel'] & { client_id?: string }

// Only these become links: a scheme may come from a client.
const LINKS = ['ssh', 'vnc', 'http', 'https'] as const
const USER = /^[\w.][\w.@\\+-]{0,99}$/

/** The host that visitors dial. */
export const tunnelHost = (configured: string | undefined, page: string) => configured || page

const isIp6 = (host: string) => host.includes(':') && !host.startsWith('[')
export const hostPort = (host: string, port: string) =>
  `${isIp6(host) ? `[${host}]` : host}:${port}`

/** A user name that may stand in a command line or a link; else none. */
export const safeUser = (user: string) => (USER.test(user.trim()) ? user.trim() : '')

export function kindOf(tunnel: Tunnel): string {
  return tunnel.http_proxy ? 'https' : (tunnel.scheme ?? '').toLowerCase()
}

/** ssh -p 28578 root@server, for what is used from a command line. */
export function command(tunnel: Tunnel, host: string, user: string): string | undefined {
  if (kindOf(tunnel) !== 'ssh') return undefined
  const name = safeUser(user)
  const plain = host.replace(/^\[|\]$/g, '')
  return `ssh -p ${tunnel.lport} ${name ? `${name}@` : ''}${plain}`
}

/** ssh://…, vnc://…, https://…; none where no program knows such a link. */
export function link(tunnel: Tunnel, host: string, user: string): string | undefined {
  const kind = LINKS.find((scheme) => scheme === kindOf(tunnel))
  if (!kind || tunnel.protocol === 'udp' || !/^\d+$/.test(tunnel.lport)) return undefined
  const name = kind === 'ssh' && safeUser(user) ? `${encodeURIComponent(safeUser(user))}@` : ''
  return `${kind}://${name}${hostPort(host, tunnel.lport)}`
}

/** What is for the browser itself. */
export const isWeb = (address: string | undefined) => /^https?:\/\//.test(address ?? '')

/** The file that Remote Desktop opens; none for other tunnels. */
export function rdpFile(tunnel: Tunnel, host: string, user: string): string | undefined {
  if (kindOf(tunnel) !== 'rdp') return undefined
  const lines = [`full address:s:${hostPort(host, tunnel.lport)}`, 'prompt for credentials:i:1']
  if (safeUser(user)) lines.push(`username:s:${safeUser(user)}`)
  return lines.join('\r\n') + '\r\n'
}

const NS_PER_MS = 1e6

/** When it ends in any case, as a time of the API. */
export function endTime(tunnel: Tunnel): string | undefined {
  if (tunnel.auto_close <= 0) return undefined
  return new Date(Date.parse(tunnel.created_at) + tunnel.auto_close / NS_PER_MS).toISOString()
}

/** Many tunnels have one target: its port of the server tells one from the other. */
export const wayOf = (tunnel: Tunnel) => `${tunnel.lport} → ${targetOf(tunnel)}`

export const targetOf = (tunnel: Tunnel) => hostPort(tunnel.rhost, tunnel.rport)
