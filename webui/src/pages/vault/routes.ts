import { Vault } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { vault } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/vault',
    name: 'vault',
    component: () => import('./VaultPage.vue'),
    meta: { title: vault.title, may: 'vault', nav: { section: 'admin', order: 30, icon: Vault } },
  },
]
