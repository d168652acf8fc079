// The file that a new lot begins as. Pure.
export const CODE = /^[a-z0-9-]{1,40}$/

export interface Beginning {
  code: string
  company: string
  zh: string
  en: string
  capacity: string
  tariff: string
  zone: string
  currency: string
}

/** Return words as YAML reads them back, whatever stands in them. */
function quoted(words: string): string {
  return `'${words.replaceAll("'", "''")}'`
}

/** Return a lot with one entry and one exit, ready to be changed. */
export function beginning({ code, company, zh, en, capacity, tariff, zone, currency }: Beginning): string {
  return `lot: openberth/1
code: ${code}
company: ${company}
name: {zh: ${quoted(zh || en || code)}, en: ${quoted(en || code)}}
zone: ${zone}
currency: ${currency}
capacity: ${capacity}
tariff: ${tariff}
areas:
- {code: main, name: {zh: 停车区, en: Parking}, capacity: ${capacity}}
lanes:
- {code: in-1, name: {zh: 入口, en: Entry}, kind: entry, to: main}
- {code: out-1, name: {zh: 出口, en: Exit}, kind: exit, from: main}
devices:
- {code: cam-in-1, kind: vzenith_http, lane: in-1, addresses: [192.168.1.0/24], heartbeat: comet}
- {code: cam-out-1, kind: vzenith_http, lane: out-1, addresses: [192.168.1.0/24], heartbeat: comet}
`
}
