import { Cpu, Document, Setting } from '@element-plus/icons-vue'
import type { PageGroup } from '@/navigation'

export default {
  order: 70,
  title: 'console.system.group',
  pages: [
    { path: '/system', name: 'system', title: 'console.system.health', icon: Cpu, permissions: ['system.read', 'alarm.read'], component: () => import('./health/Health.vue') },
    { path: '/settings', name: 'settings', title: 'console.system.settings', icon: Setting, permissions: ['setting.read'], component: () => import('./settings/Settings.vue') },
    { path: '/audit', name: 'audit', title: 'console.system.audit', icon: Document, permissions: ['audit.read'], component: () => import('./audit/Audit.vue') },
  ],
} satisfies PageGroup
