// What /status says, as names and values.
import type { Schemas } from '@/api/types'
import { common, server as texts } from '@/texts'

/** How the second step comes, in words. */
export const factorName = (method: string) => texts.factors[method] ?? method

const onOff = (on: boolean) => (on ? texts.on : texts.off)

export function serverFacts(s: Schemas['Status']) {
  const { clients, reach, users, tunnels, other } = texts
  return {
    clients: [
      { key: 'on', label: clients.connected, text: s.clients_connected },
      { key: 'off', label: clients.disconnected, text: s.clients_disconnected },
    ],
    reach: [
      { key: 'auth', label: reach.auth, text: texts.sources[s.clients_auth_source] },
      {
        key: 'mode',
        label: reach.mode,
        text: s.clients_auth_mode === 'Read Write' ? common.words.yes : common.words.no,
      },
    ],
    users: [
      { key: 'source', label: users.source, text: texts.sources[s.users_auth_source] },
      { key: 'groups', label: users.groups, text: onOff(s.group_permissions_enabled) },
      {
        key: 'factor',
        label: users.secondFactor,
        text: s.two_fa_enabled ? factorName(s.two_fa_delivery_method) : texts.off,
      },
      { key: 'least', label: users.password, text: texts.characters(s.password_min_length) },
      { key: 'header', label: users.header, text: onOff(s.auth_header) },
    ],
    tunnels: [
      { key: 'host', label: tunnels.host, text: s.tunnel_host },
      { key: 'used', label: tunnels.used, text: s.used_ports.join(', ') },
      { key: 'excluded', label: tunnels.excluded, text: s.excluded_ports.join(', ') },
      { key: 'proxy', label: tunnels.proxy, text: onOff(s.tunnel_proxy_enabled) },
      { key: 'caddy', label: tunnels.caddy, text: onOff(s.caddy_integration_enabled) },
    ],
    other: [
      { key: 'version', label: other.version, text: s.version },
      { key: 'monitoring', label: other.monitoring, text: onOff(s.monitoring_enabled) },
      { key: 'audit', label: other.audit, text: onOff(s.auditlog.enabled) },
      { key: 'docs', label: other.docs },
    ],
  }
}
