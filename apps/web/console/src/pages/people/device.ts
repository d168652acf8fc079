// What a sign-in came with, in words: the browser and the system out of its header.
const BROWSERS: [RegExp, string][] = [
  [/MicroMessenger/, 'WeChat'], [/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/Chrome\//, 'Chrome'], [/Safari\//, 'Safari'],
]
const SYSTEMS: [RegExp, string][] = [
  [/HarmonyOS|OpenHarmony/, 'HarmonyOS'], [/Windows/, 'Windows'], [/iPhone|iPad/, 'iOS'], [/Android/, 'Android'], [/Mac OS X|Macintosh/, 'macOS'], [/Linux/, 'Linux'],
]

/** Return `Chrome · Windows`; what is no browser says what it is in its first word. */
export function deviceOf(words: string): string {
  const named = (list: [RegExp, string][]) => list.find(([sign]) => sign.test(words))?.[1]
  const found = [named(BROWSERS), named(SYSTEMS)].filter((each) => each !== undefined)
  return found.length ? found.join(' · ') : words.split(/[\s/]/, 1)[0] || '–'
}
