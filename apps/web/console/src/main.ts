import { createPinia } from 'pinia'
import { createApp } from 'vue'
import 'element-plus/theme-chalk/base.css'
import 'element-plus/theme-chalk/dark/css-vars.css'
import 'element-plus/theme-chalk/el-message.css'
import 'element-plus/theme-chalk/el-loading.css'
import 'element-plus/theme-chalk/el-overlay.css'
import { ElLoading } from 'element-plus'
import './style.css'
import './theme'
import App from './App.vue'
import { router } from './router'
import { firstLanguage, speak } from './texts'

await speak(firstLanguage())
createApp(App).use(createPinia()).use(router).directive('loading', ElLoading.directive).mount('#app')

if ('serviceWorker' in navigator && import.meta.env.PROD) void navigator.serviceWorker.register('/console/sw.js', { scope: '/console/' })
