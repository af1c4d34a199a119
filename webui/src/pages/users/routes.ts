import { Users } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { users } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/users',
    name: 'users',
    component: () => import('./UsersPage.vue'),
    meta: { title: users.title, admin: true, nav: { section: 'admin', order: 10, icon: Users } },
  },
]
