import { LibraryBig } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { library } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/library',
    name: 'library',
    component: () => import('./LibraryPage.vue'),
    meta: {
      title: library.title,
      may: ['commands', 'scripts'],
      nav: { section: 'act', order: 15, icon: LibraryBig },
    },
  },
]
