import type { ClientRow } from './useClientRows'
import { bytes } from '@/composables/format'
import type { Column } from '@/components/table/columns'
import { clients } from '@/texts'

const t = clients.columns

/** Columns of the list; those without text have a slot on the page. */
export const columns: Column<ClientRow>[] = [
  { key: 'name', label: t.name, sort: 'name', width: 11, grow: 3, fixed: true },
  { key: 'state', label: t.state, width: 7.5, grow: 0 },
  {
    key: 'hostname',
    label: t.hostname,
    sort: 'hostname',
    width: 8,
    grow: 2,
    text: (c) => c.hostname,
  },
  { key: 'os', label: t.os, width: 8.5, grow: 1.5, text: (c) => c.os_full_name },
  { key: 'address', label: t.address, width: 7.5, grow: 1, text: (c) => c.address },
  { key: 'tags', label: t.tags, width: 9, grow: 2 },
  { key: 'tunnels', label: t.tunnels, width: 4.5, grow: 0, end: true },
  { key: 'updates', label: t.updates, width: 6.5, grow: 0 },
  { key: 'heartbeat', label: t.heartbeat, width: 7.5, grow: 0, hidden: true },
  {
    key: 'version',
    label: t.version,
    sort: 'version',
    width: 8,
    grow: 0,
    hidden: true,
    text: (c) => c.version,
  },
  { key: 'id', label: t.id, sort: 'id', width: 10, grow: 1, hidden: true, text: (c) => c.id },
  { key: 'ipv4', label: t.ipv4, width: 9, grow: 1, hidden: true, text: (c) => c.ipv4?.join(', ') },
  {
    key: 'groups',
    label: t.groups,
    width: 8,
    grow: 1,
    hidden: true,
    text: (c) => c.groups?.join(', '),
  },
  {
    key: 'cpus',
    label: t.cpus,
    width: 4,
    grow: 0,
    end: true,
    hidden: true,
    text: (c) => c.num_cpus,
  },
  {
    key: 'memory',
    label: t.memory,
    width: 6,
    grow: 0,
    end: true,
    hidden: true,
    text: (c) => bytes(c.mem_total),
  },
  { key: 'timezone', label: t.timezone, width: 9, grow: 1, hidden: true, text: (c) => c.timezone },
]
