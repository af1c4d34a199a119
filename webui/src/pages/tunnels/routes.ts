import { Cable } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { tunnels } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/tunnels',
    name: 'tunnels',
    component: () => import('./TunnelsPage.vue'),
    meta: {
      title: tunnels.title,
      may: 'tunnels',
      nav: { section: 'watch', order: 20, icon: Cable },
    },
  },
  {
    path: '/tunnels/new',
    name: 'new-tunnel',
    component: () => import('./NewTunnelPage.vue'),
    meta: { title: tunnels.newTitle, may: 'tunnels' },
  },
]
