import { Calendar, PriceTag } from '@element-plus/icons-vue'
import type { PageGroup } from '@/navigation'

export default {
  order: 40,
  title: 'console.tariffs.group',
  pages: [
    { path: '/tariffs', name: 'tariffs', title: 'console.tariffs.title', icon: PriceTag, permissions: ['tariff.read'], component: () => import('./Tariffs.vue') },
    { path: '/tariffs/:code', name: 'tariff', title: 'console.tariffs.title', icon: PriceTag, permissions: ['tariff.read'], component: () => import('./Tariff.vue'), hidden: true },
    { path: '/calendars', name: 'calendars', title: 'console.tariffs.calendars', icon: Calendar, permissions: ['tariff.read'], component: () => import('./Calendars.vue') },
  ],
} satisfies PageGroup
