// Ways between pages.
import { codeIn } from '@/lib/codes'
import { t } from '@/lib/texts'

/** A second tap while a page is on its way is refused, and is of no account. */
const quietly = { fail: () => undefined }

export const TABS = ['/pages/home/home', '/pages/history/history', '/pages/me/me'] as const

export function goTo(url: string): void {
  uni.navigateTo({ url, ...quietly })
}

export function goHome(): void {
  uni.switchTab({ url: TABS[0], ...quietly })
}

/** Go back to where somebody came from, or home where there is nothing behind. */
export function goBack(): void {
  if (getCurrentPages().length > 1) uni.navigateBack({ ...quietly })
  else goHome()
}

export function goToCode(code: string): void {
  goTo(`/pages/code/code?c=${code}`)
}

/**
 * Scan a sign with the phone's camera. Null: nothing was seen that is a sign. Undefined: there is no scanner here, the
 * code is typed.
 */
export function scanned(): Promise<string | null | undefined> {
  // #ifdef MP-WEIXIN
  return new Promise((resolve) => {
    uni.scanCode({
      success: (seen) => {
        const code = codeIn(seen.result) ?? codeIn((seen as { path?: string }).path)
        if (!code) uni.showToast({ title: t('app.scan.no_sign'), icon: 'none', duration: 3000 })
        resolve(code)
      },
      fail: () => resolve(null),
    })
  })
  // #endif
  // #ifndef MP-WEIXIN
  return Promise.resolve(undefined)
  // #endif
}

/** Name the page at its head. */
export function head(title: string): void {
  uni.setNavigationBarTitle({ title, ...quietly })
}

/** Open an address of our own server, e.g. a receipt: in a new tab, or as a link to open in a browser. */
export function openLink(url: string): void {
  // #ifdef H5
  window.open(ownPath(url), '_blank', 'noopener')
  // #endif
  // #ifndef H5
  uni.setClipboardData({ data: url, success: () => void uni.showToast({ title: t('app.link.copied'), icon: 'none', duration: 3000 }) })
  // #endif
}

/** A link names our public address; from a page the way goes by the address that the page came from. */
export function ownPath(url: string): string {
  return url.replace(/^https?:\/\/[^/]+(?=\/r\/)/, '')
}

/** Ask for a yes. */
export function confirmed(title: string, content: string, yes: string, isBad = false): Promise<boolean> {
  return new Promise((resolve) => {
    uni.showModal({
      title, content, confirmText: yes, cancelText: t('app.cancel'), confirmColor: isBad ? '#a34400' : '#0b7a75',
      success: (told) => resolve(told.confirm), fail: () => resolve(false),
    })
  })
}

/** Ask for some words; null when nothing was said. */
export function asked(title: string, place: string, yes: string): Promise<string | null> {
  return new Promise((resolve) => {
    uni.showModal({
      title, editable: true, placeholderText: place, confirmText: yes, cancelText: t('app.cancel'), confirmColor: '#0b7a75',
      success: (told) => resolve(told.confirm ? (told.content ?? '').trim() || null : null), fail: () => resolve(null),
    })
  })
}

/** A channel's page leads back to our own address with what was paid; the way goes on where that is followed. */
export function comeBack(): void {
  // #ifdef H5
  const told = new URLSearchParams(window.location.search)
  const code = codeIn(told.get('c') ?? undefined)
  const bill = told.get('bill')
  const page = code ? `/pages/code/code?c=${code}` : bill && /^[0-9a-f-]{36}$/.test(bill) ? `/pages/bill/bill?bill=${bill}` : null
  if (page === null) return
  window.history.replaceState(null, '', window.location.pathname)
  uni.reLaunch({ url: page, ...quietly })
  // #endif
}
