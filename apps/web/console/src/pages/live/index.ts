import { Headset, Monitor } from '@element-plus/icons-vue'
import type { PageGroup } from '@/navigation'

export default {
  order: 10,
  title: 'console.live.group',
  pages: [
    { path: '/live', name: 'live', title: 'console.live.title', icon: Monitor, permissions: ['lot.read'], component: () => import('./Live.vue') },
    { path: '/desk', name: 'desk', title: 'console.live.desk', icon: Headset, permissions: ['lane.open', 'cash.take', 'case.resolve'], component: () => import('./Desk.vue') },
  ],
} satisfies PageGroup
