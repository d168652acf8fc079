import { fileURLToPath } from 'node:url'

import uniPlugin from '@dcloudio/vite-plugin-uni'
import { defineConfig, type PluginOption } from 'vite'

import offline from './vite-plugin-offline'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
// The package is CommonJS: where it is loaded as a module, its default export is wrapped.
const wrapped = uniPlugin as unknown as { default?: () => PluginOption } & (() => PluginOption)
const uni = wrapped.default ?? wrapped

export default defineConfig({
  resolve: {
    dedupe: ['vue'], // what is shared has one of its own beside it, of another version
    alias: {
      '@openberth/api': here('../web/api/client.ts'),
      '@openberth/shared': here('../web/shared'),
    },
  },
  plugins: [uni(), offline()],
  server: { host: '127.0.0.1', proxy: { '^/(v1|c|r)/': 'http://127.0.0.1:8420' } },
})
