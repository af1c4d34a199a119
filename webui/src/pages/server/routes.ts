import { Server } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { server } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/server',
    name: 'server',
    component: () => import('./ServerPage.vue'),
    meta: { title: server.title, nav: { section: 'admin', order: 50, icon: Server } },
  },
]
