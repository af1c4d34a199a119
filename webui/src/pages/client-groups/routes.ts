import { Layers } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { clientGroups } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/client-groups',
    name: 'client-groups',
    component: () => import('./GroupsPage.vue'),
    meta: { title: clientGroups.title, nav: { section: 'watch', order: 15, icon: Layers } },
  },
]
