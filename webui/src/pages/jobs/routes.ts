import { SquareTerminal } from 'lucide-vue-next'
import type { RouteRecordRaw } from 'vue-router'
import { jobs } from '@/texts'

export const routes: RouteRecordRaw[] = [
  {
    path: '/jobs',
    name: 'jobs',
    component: () => import('./JobsPage.vue'),
    meta: {
      title: jobs.title,
      may: 'commands',
      nav: { section: 'act', order: 10, icon: SquareTerminal },
    },
  },
  {
    path: '/jobs/new',
    name: 'job-new',
    component: () => import('./NewJobPage.vue'),
    meta: { title: jobs.form.title, may: ['commands', 'scripts'] },
  },
  {
    path: '/jobs/:id',
    name: 'job',
    component: () => import('./JobPage.vue'),
    props: true,
    meta: { title: jobs.title, may: 'commands' },
  },
]
