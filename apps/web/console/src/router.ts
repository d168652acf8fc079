// Pages announce themselves in pages/*/index.ts; here they become routes. Hash routes: the server needs to know none.
import { createRouter, createWebHashHistory, type RouteRecordRaw } from 'vue-router'
import { useSession } from './session'
import { groups, type PageDeclaration } from './navigation'
import { title } from './title'

declare module 'vue-router' {
  interface RouteMeta {
    page?: PageDeclaration
    open?: boolean
  }
}

const pages: RouteRecordRaw[] = groups.flatMap((group) =>
  group.pages.map((page) => ({ path: page.path, name: page.name, component: page.component, meta: { page } })),
)

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/sign-in', name: 'sign-in', component: () => import('./shell/SignIn.vue'), meta: { open: true } },
    { path: '/', component: () => import('./shell/Shell.vue'), children: [
      { path: '', name: 'home', component: () => import('./shell/Home.vue') },
      ...pages,
      { path: ':rest(.*)*', name: 'nowhere', component: () => import('./shell/Nowhere.vue') },
    ] },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
})

router.beforeEach(async (to) => {
  if (to.meta.open) return true
  const session = useSession()
  if (await session.resume()) return true
  return { name: 'sign-in', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
})

router.afterEach((to) => title(to.meta.page?.title))
