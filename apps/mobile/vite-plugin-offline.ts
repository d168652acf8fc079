import fs from 'node:fs'

import type { Plugin } from 'vite'

const FONT_SOURCE = /src:url\((["']?)https?:\/\/at\.alicdn\.com[^;}]*/g
const FONT_FACE = /@font-face\s*\{[^}]*at\.alicdn\.com[^}]*\}/g
const SHADOW = /url\((["']?)https:\/\/cdn\.dcloud\.net\.cn\/img\/shadow-\w+\.png\1\)/g

/**
 * Styles of packages name a font and a few pictures of other hosts. The font that ships in the package takes its place,
 * the pictures (a shadow under the navigation bar) are left out: no other host is asked.
 */
export default function offline(): Plugin {
  const font = fs.readFileSync(new URL('./node_modules/wot-design-uni/components/wd-icon/wd-icons.ttf', import.meta.url))
  const local = `src:url(data:font/ttf;base64,${font.toString('base64')}) format("truetype")`
  return {
    name: 'offline',
    enforce: 'post',
    generateBundle(_, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== 'asset') continue
        if (file.fileName.endsWith('.wxss')) file.source = String(file.source).replace(FONT_SOURCE, local)
        // A page in a browser has the packaged font besides.
        if (file.fileName.endsWith('.css')) file.source = String(file.source).replace(FONT_FACE, '').replace(SHADOW, 'none')
      }
    },
  }
}
