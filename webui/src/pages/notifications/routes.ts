import { Mail } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { notifications } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/notifications',
    name: 'notifications',
    component: () => import('./NotificationsPage.vue'),
    meta: {
      title: notifications.title,
      admin: true,
      nav: { section: 'admin', order: 41, icon: Mail },
    },
  },
]
