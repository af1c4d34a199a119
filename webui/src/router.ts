import { createRouter, createWebHistory } from 'vue-router'
import { mayOpen, pageRoutes } from './routes'
import { useSession } from '@/stores/session'
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

export function toSignIn() {
  const back = router.currentRoute.value.fullPath
  void router.push({ path: '/login', query: back === '/' ? {} : { back } })
}

router.beforeEach((to) => {
  const session = useSession()
  if (to.meta.open) return true
  if (!session.signedIn)
    return { path: '/login', query: to.fullPath === '/' ? {} : { back: to.fullPath } }
  if (!mayOpen(to.meta, session) && to.name !== 'forbidden')
    return { name: 'forbidden', replace: true }
  return true
})

router.afterEach((to) => {
  document.title = `${to.meta.title} · ${common.product}`
})

// After an update of the server the old page's chunks are gone: load the new page.
router.onError((error, to) => {
  if (/dynamically imported module|preload/i.test(String(error))) location.assign(to.fullPath)
})
