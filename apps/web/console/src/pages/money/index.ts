import { Calendar, Coin, Connection, CreditCard, DataAnalysis, Document, Money, Warning } from '@element-plus/icons-vue'
import type { PageGroup } from '@/navigation'

export default {
  order: 30,
  title: 'console.money.group',
  pages: [
    { path: '/bills', name: 'bills', title: 'console.money.bills', icon: Document, permissions: ['bill.read'], component: () => import('./Bills.vue') },
    { path: '/bills/:bill', name: 'bill', title: 'console.money.bill', icon: Document, permissions: ['bill.read'], component: () => import('./Bill.vue'), hidden: true },
    { path: '/receipts', name: 'receipts', title: 'console.money.receipts_and_refunds', icon: Money, permissions: ['bill.read'], component: () => import('./Receipts.vue') },
    { path: '/debts', name: 'debts', title: 'console.money.debts', icon: Warning, permissions: ['bill.read'], component: () => import('./Debts.vue') },
    { path: '/reconciliation', name: 'reconciliation', title: 'console.money.reconciliation', icon: Calendar, permissions: ['bill.read'], component: () => import('./Reconciliation.vue') },
    { path: '/channels', name: 'channels', title: 'console.money.channels', icon: Connection, permissions: ['channel.read'], component: () => import('./Channels.vue') },
    { path: '/shifts', name: 'shifts', title: 'console.money.shifts', icon: Coin, permissions: ['shift.read', 'shift.run'], component: () => import('./Shifts.vue') },
    { path: '/shifts/:shift', name: 'shift', title: 'console.money.shift', icon: Coin, permissions: ['shift.read', 'shift.run'], component: () => import('./Shift.vue'), hidden: true },
    { path: '/prepaid', name: 'prepaid', title: 'console.money.prepaid', icon: CreditCard, permissions: ['prepaid.read'], component: () => import('./Prepaid.vue') },
    { path: '/prepaid/:account', name: 'prepaid-account', title: 'console.money.prepaid_account', icon: CreditCard, permissions: ['prepaid.read'], component: () => import('./PrepaidAccount.vue'), hidden: true },
    { path: '/finance', name: 'finance', title: 'console.money.finance', icon: DataAnalysis, permissions: ['finance.read'], component: () => import('./Finance.vue') },
  ],
} satisfies PageGroup
