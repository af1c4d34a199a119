import { Upload } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { uploads } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/uploads',
    name: 'uploads',
    component: () => import('./UploadsPage.vue'),
    meta: {
      title: uploads.title,
      may: 'uploads',
      nav: { section: 'act', order: 40, icon: Upload },
    },
  },
]
