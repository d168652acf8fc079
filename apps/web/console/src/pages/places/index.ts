import { Aim, Cpu, OfficeBuilding } from '@element-plus/icons-vue'
import type { PageGroup } from '@/navigation'

export default {
  order: 50,
  title: 'console.places.group',
  pages: [
    { path: '/lots', name: 'lots', title: 'console.places.lots', icon: OfficeBuilding, permissions: ['lot.read'], component: () => import('./lots/Lots.vue') },
    { path: '/lots/:code', name: 'lot', title: 'console.places.lots', icon: OfficeBuilding, permissions: ['lot.read'], component: () => import('./lots/Lot.vue'), hidden: true },
    { path: '/lots/:code/new', name: 'new-lot', title: 'console.places.new_lot', icon: OfficeBuilding, permissions: ['lot.write'], component: () => import('./file/NewLot.vue'), hidden: true },
    { path: '/devices', name: 'devices', title: 'console.places.devices', icon: Cpu, permissions: ['device.read'], component: () => import('./devices/Devices.vue') },
    { path: '/sensors', name: 'sensors', title: 'console.places.sensors', icon: Aim, permissions: ['device.read'], component: () => import('./sensors/Sensors.vue') },
  ],
} satisfies PageGroup
