import type { RouteRecordRaw } from 'vue-router'
import { profile } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/profile',
    name: 'profile',
    component: () => import('./ProfilePage.vue'),
    meta: { title: profile.title },
  },
]
