import { MonitorSmartphone } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { clients } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/clients',
    name: 'clients',
    component: () => import('./ClientsPage.vue'),
    meta: { title: clients.title, nav: { section: 'watch', order: 10, icon: MonitorSmartphone } },
  },
]
