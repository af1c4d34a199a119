import { ShieldCheck } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { userGroups } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/user-groups',
    name: 'user-groups',
    component: () => import('./UserGroupsPage.vue'),
    meta: {
      title: userGroups.title,
      admin: true,
      nav: { section: 'admin', order: 11, icon: ShieldCheck },
    },
  },
]
