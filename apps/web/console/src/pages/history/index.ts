import { Film, Tickets, Van, Warning } from '@element-plus/icons-vue'
import type { PageGroup } from '@/navigation'

export default {
  order: 20,
  title: 'console.history.group',
  pages: [
    { path: '/exceptions', name: 'exceptions', title: 'console.history.exceptions', icon: Warning, permissions: ['case.read'], component: () => import('./Exceptions.vue') },
    { path: '/stays', name: 'stays', title: 'console.history.stays', icon: Tickets, permissions: ['stay.read'], component: () => import('./Stays.vue') },
    { path: '/stays/:id', name: 'stay', title: 'console.history.stays', icon: Tickets, permissions: ['stay.read'], component: () => import('./Stay.vue'), hidden: true },
    { path: '/passages', name: 'passages', title: 'console.history.passages', icon: Van, permissions: ['passage.read'], component: () => import('./Passages.vue') },
    { path: '/passages/:id', name: 'passage', title: 'console.history.replay', icon: Film, permissions: ['passage.read'], component: () => import('./Passage.vue'), hidden: true },
  ],
} satisfies PageGroup
