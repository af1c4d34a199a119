import { CalendarClock } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { schedules } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/schedules',
    name: 'schedules',
    component: () => import('./SchedulesPage.vue'),
    meta: {
      title: schedules.title,
      may: 'scheduler',
      nav: { section: 'act', order: 30, icon: CalendarClock },
    },
  },
]
