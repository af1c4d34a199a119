import { LayoutDashboard } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { overview } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/',
    name: 'overview',
    component: () => import('./OverviewPage.vue'),
    meta: { title: overview.title, nav: { section: 'watch', order: 0, icon: LayoutDashboard } },
  },
]
