// Instants as people read them. A mini-program may lack Intl: then the clock of the mainland is meant, which has no
// summer time.
import { lengthText } from '@openberth/shared/formats'

import { language, t } from '@/lib/texts'

const ZONE = 'Asia/Shanghai'
const ZONE_OFFSET_MS = 8 * 3_600_000
const DAY_MS = 86_400_000

/** Year, month, day, hour and minute of an instant in a zone, each with two digits or more. */
function partsOf(at: number, zone: string): [string, string, string, string, string] {
  if (typeof Intl !== 'undefined' && zone !== ZONE) {
    try {
      const format = new Intl.DateTimeFormat('en-GB', {
        timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
      })
      const found = Object.fromEntries(format.formatToParts(new Date(at)).map((part) => [part.type, part.value]))
      return [found.year!, found.month!, found.day!, found.hour!, found.minute!]
    } catch {
      // a zone that this phone does not know
    }
  }
  const shifted = new Date(at + ZONE_OFFSET_MS).toISOString()
  return [shifted.slice(0, 4), shifted.slice(5, 7), shifted.slice(8, 10), shifted.slice(11, 13), shifted.slice(14, 16)]
}

/** Return an instant in milliseconds. Microseconds are cut off: not every phone reads them. */
export function millis(iso: string): number {
  return Date.parse(iso.replace(/(\.\d{3})\d+/, '$1'))
}

/** Return the time of day by the clock of a lot: `10:15`. */
export function clockText(iso: string, zone: string): string {
  const [, , , hour, minute] = partsOf(millis(iso), zone)
  return `${hour}:${minute}`
}

/** Return day and time: `3月2日 10:15`, `2 Mar 10:15`; with the year where it is not this one. */
export function momentText(iso: string, zone = ZONE): string {
  const at = millis(iso)
  const [year, month, day, hour, minute] = partsOf(at, zone)
  const short = language.value === 'zh' ? `${Number(month)}月${Number(day)}日` : `${Number(day)} ${MONTHS[Number(month) - 1]}`
  const isOther = year !== partsOf(Date.now(), zone)[0]
  const whole = language.value === 'zh' ? `${year}年${short}` : `${short} ${year}`
  return `${isOther ? whole : short} ${hour}:${minute}`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Return a length of time in words. */
export function spanText(seconds: number): string {
  return lengthText(seconds, language.value)
}

/** Return a stay's length in words: minutes, hours and days, no seconds. */
export function stayText(seconds: number): string {
  return seconds < 60 ? t('app.time.under_minute') : spanText(seconds - (seconds % 60))
}

/** Return seconds as a clock that runs down: `14:59`, `1:02:03`. */
export function countdownText(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  const two = (value: number) => String(value).padStart(2, '0')
  const hours = Math.floor(s / 3600)
  return `${hours ? `${hours}:${two(Math.floor(s / 60) % 60)}` : Math.floor(s / 60)}:${two(s % 60)}`
}

/** Return how old something is. */
export function ageText(at: number, now: number): string {
  const age = now - at
  if (age < 60_000) return t('app.time.just_now')
  return t('app.time.ago', { span: spanText(Math.floor(Math.min(age, 90 * DAY_MS) / 60_000) * 60) })
}
