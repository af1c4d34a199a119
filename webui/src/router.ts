import { createRouter, createWebHistory, START_LOCATION } from 'vue-router'
import { mayOpen, pageRoutes } from './routes'
import { asApiError } from '@/api/error'
import { useSession } from '@/stores/session'
import { useToasts } from '@/stores/toasts'
import { common, frame } from '@/texts'

const errorPage = () => import('./pages/errors/ErrorPage.vue')

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    {
      path: '/',
      component: () => import('./layout/AppLayout.vue'),
      children: [
        ...pageRoutes.filter((route) => !route.meta?.open),
        {
          path: '/forbidden',
          name: 'forbidden',
          component: errorPage,
          props: { text: frame.forbidden },
          meta: { title: frame.forbidden.title },
        },
        {
          path: '/:rest(.*)*',
          name: 'not-found',
          component: errorPage,
          props: { text: frame.notFound },
          meta: { title: frame.notFound.title },
        },
      ],
    },
    ...pageRoutes.filter((route) => route.meta?.open),
  ],
  scrollBehavior: (to, _from, saved) => saved ?? (to.hash ? { el: to.hash } : { top: 0 }),
})

router.beforeEach((to) => {
  const session = useSession()
  // What is on the page waits for its user behind the sign-in.
  if (session.ended) return false
  if (to.meta.open) return true
  if (!session.signedIn)
    return { path: '/login', query: to.fullPath === '/' ? {} : { back: to.fullPath } }
  if (!mayOpen(to.meta, session) && to.name !== 'forbidden')
    return { name: 'forbidden', replace: true }
  return true
})

router.afterEach((to, from) => {
  // A page that stays names itself: PageHeader.
  if (to.name !== from.name) document.title = `${to.meta.title} · ${common.product}`
})

// After an update of the server the old page's chunks are gone: load the new page. Where nothing answers
// the page stays, with all that is on it.
router.onError(async (error, to, from) => {
  if (!/dynamically imported module|preload/i.test(String(error))) return
  try {
    const answer = await fetch('/', { cache: 'no-store' })
    if (!answer.ok) throw new Error(answer.statusText)
    if (from !== START_LOCATION) location.assign(to.fullPath)
    else useToasts().show('danger', common.errors.notLoaded)
  } catch (thrown) {
    useToasts().error(asApiError(thrown))
  }
})
