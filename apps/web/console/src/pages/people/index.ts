import { Avatar, Key, OfficeBuilding, Postcard, User, UserFilled } from '@element-plus/icons-vue'
import type { PageGroup } from '@/navigation'

export default {
  order: 60,
  title: 'console.people.group',
  pages: [
    { path: '/organisation', name: 'organisation', title: 'console.people.organisation', icon: OfficeBuilding, permissions: ['organisation.read'], component: () => import('./organisation/Organisation.vue') },
    { path: '/permits', name: 'permits', title: 'console.people.permits', icon: Postcard, permissions: ['permit.read'], component: () => import('./permits/Permits.vue') },
    { path: '/people', name: 'people', title: 'console.people.people', icon: User, permissions: ['person.read'], component: () => import('./persons/People.vue') },
    { path: '/people/:person', name: 'person', title: 'console.people.person', icon: User, permissions: ['person.read'], component: () => import('./persons/Person.vue'), hidden: true },
    { path: '/accounts', name: 'accounts', title: 'console.people.accounts', icon: UserFilled, permissions: ['account.read'], component: () => import('./accounts/Accounts.vue') },
    { path: '/accounts/:account', name: 'account', title: 'console.people.account', icon: UserFilled, permissions: ['account.read'], component: () => import('./accounts/Account.vue'), hidden: true },
    { path: '/roles', name: 'roles', title: 'console.people.roles', icon: Key, permissions: ['role.read'], component: () => import('./roles/Roles.vue') },
    { path: '/me', name: 'me', title: 'console.shell.me', icon: Avatar, permissions: [], component: () => import('./me/Me.vue'), hidden: true },
  ],
} satisfies PageGroup
