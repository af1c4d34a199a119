import { defineAsyncComponent, type Component } from 'vue'
import type { Client } from './configuration'
import SkeletonLines from '@/components/SkeletonLines.vue'
import type { Rights } from '@/routes'
import { client as t } from '@/texts'

const lazy = (loader: () => Promise<Component>) =>
  defineAsyncComponent({ loader, loadingComponent: SkeletonLines })

const FactsTab = lazy(() => import('./FactsTab.vue'))
const TunnelsTab = lazy(() => import('./TunnelsTab.vue'))
const RunTab = lazy(() => import('./run/RunTab.vue'))
const MonitoringTab = lazy(() => import('./monitoring/MonitoringTab.vue'))
const UpdatesTab = lazy(() => import('./UpdatesTab.vue'))
const FilesTab = lazy(() => import('./files/FilesTab.vue'))
const SettingsTab = lazy(() => import('./settings/SettingsTab.vue'))

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
