import type { RouteRecordRaw } from 'vue-router'
import { client } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/clients/:id/:tab?',
    name: 'client',
    component: () => import('./ClientPage.vue'),
    props: (route) => ({ id: String(route.params.id), tab: String(route.params.tab || 'facts') }),
    meta: { title: client.title },
  },
]
