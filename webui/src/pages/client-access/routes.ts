import { KeyRound } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { clientAccess } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/client-access',
    name: 'client-access',
    component: () => import('./ClientAccessPage.vue'),
    meta: {
      title: clientAccess.title,
      admin: true,
      nav: { section: 'admin', order: 20, icon: KeyRound },
    },
  },
]
