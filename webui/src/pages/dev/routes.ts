import type { RouteRecordRaw } from 'vue-router'

// All components on one page; not part of what is built.
export const routes: RouteRecordRaw[] = import.meta.env.DEV
  ? [
      {
        path: '/dev/components',
        component: () => import('./ComponentsPage.vue'),
        meta: { title: 'Components', open: true },
      },
    ]
  : []
