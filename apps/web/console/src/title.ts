import { t, type Code } from './texts'

/** Name the window after the page it shows. */
export function title(page?: Code): void {
  document.title = page ? `${t(page)} · ${t('console.name')}` : t('console.name')
}
