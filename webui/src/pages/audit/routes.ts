import { ScrollText } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { audit } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/audit',
    name: 'audit',
    component: () => import('./AuditPage.vue'),
    meta: {
      title: audit.title,
      may: 'auditlog',
      nav: { section: 'admin', order: 40, icon: ScrollText },
    },
  },
]
