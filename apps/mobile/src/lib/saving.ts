import { t } from '@/lib/texts'

/** Give a text to whoever uses the app: as a file in a browser, to be copied in the mini-program. */
export function saveText(name: string, text: string): void {
  // #ifdef H5
  const address = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
  // #endif
  // #ifndef H5
  uni.setClipboardData({ data: text, success: () => void uni.showToast({ title: t('app.copied', { name }), icon: 'none', duration: 3000 }) })
  // #endif
}
