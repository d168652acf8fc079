// How the values of settings are shown.
import { said, t } from '@/texts'
import type { Setting, Value } from './chain'

/** Return a value in words. */
export function wordOf(setting: Setting, value: Value): string {
  if (typeof value === 'boolean') return t(value ? 'console.system.yes' : 'console.system.no')
  if (typeof value === 'number') return setting.key.startsWith('grace.') && value < 0 ? t('console.system.as_tariff') : String(value)
  return said('console.system.word', value)
}
