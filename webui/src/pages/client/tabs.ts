import type { Component } from 'vue'
import type { Client } from './configuration'
import { lazyPart } from '@/components/lazyPart'
import type { Rights } from '@/routes'
import { client as t } from '@/texts'

const FactsTab = lazyPart(() => import('./FactsTab.vue'))
const TunnelsTab = lazyPart(() => import('./TunnelsTab.vue'))
const RunTab = lazyPart(() => import('./run/RunTab.vue'))
const MonitoringTab = lazyPart(() => import('./monitoring/MonitoringTab.vue'))
const UpdatesTab = lazyPart(() => import('./UpdatesTab.vue'))
const FilesTab = lazyPart(() => import('./files/FilesTab.vue'))
const SettingsTab = lazyPart(() => import('./settings/SettingsTab.vue'))

export interface ClientTab {
  key: string
  label: string
  count?: number
  component: Component
}

/** The parts of a client that this user may see. */
export function clientTabs(rights: Rights, client: Client | undefined): ClientTab[] {
  const all: (ClientTab & { may: boolean })[] = [
    { key: 'facts', label: t.tabs.facts, component: FactsTab, may: true },
    {
      key: 'tunnels',
      label: t.tabs.tunnels,
      component: TunnelsTab,
      may: rights.can('tunnels'),
      count: client?.tunnels?.length,
    },
    {
      key: 'run',
      label: t.tabs.run,
      component: RunTab,
      may: rights.can('commands') || rights.can('scripts'),
    },
    {
      key: 'monitoring',
      label: t.tabs.monitoring,
      component: MonitoringTab,
      may: rights.can('monitoring'),
    },
    {
      key: 'updates',
      label: t.tabs.updates,
      component: UpdatesTab,
      may: rights.can('monitoring'),
      count: client?.updates_status?.updates_available || undefined,
    },
    { key: 'files', label: t.tabs.files, component: FilesTab, may: rights.can('uploads') },
    { key: 'settings', label: t.tabs.settings, component: SettingsTab, may: true },
  ]
  return all.filter((tab) => tab.may)
}
