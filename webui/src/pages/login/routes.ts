import type { RouteRecordRaw } from 'vue-router'
import { login } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/login',
    name: 'login',
    component: () => import('./LoginPage.vue'),
    meta: { title: login.title, open: true },
  },
]
