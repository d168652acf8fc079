/// <reference types="vitest/config" />
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import Components from 'unplugin-vue-components/vite'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import { defineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: here('.'),
  base: '/console/',
  plugins: [vue(), Components({ resolvers: [ElementPlusResolver()], dirs: [], dts: here('src/components.d.ts') })],
  resolve: { alias: { '@api': here('../api/client.ts'), '@shared': here('../shared'), '@': here('./src') } },
  server: { proxy: { '/v1': { target: 'http://127.0.0.1:8000', ws: true }, '/health': 'http://127.0.0.1:8000' } },
  build: {
    outDir: here('../dist'), emptyOutDir: true, target: 'es2022', sourcemap: false, chunkSizeWarningLimit: 700,
    assetsInlineLimit: 0, modulePreload: { polyfill: false },
  },
  test: {
    environment: 'happy-dom', include: ['tests/**/*.test.ts'], server: { deps: { inline: ['element-plus'] } },
  },
})
