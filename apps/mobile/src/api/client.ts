import { Client } from '@openberth/api'

import { renew, tokenNow } from '@/api/tokens'
import { serverAddress, uniTransport } from '@/api/transport'
import { language } from '@/lib/texts'

const languageTag = (): string => (language.value === 'zh' ? 'zh-CN' : 'en')

/** The client of whoever is signed in. */
export const api = new Client(uniTransport, { base: serverAddress(), language: languageTag, token: tokenNow, renew })

/** A client that proves nothing: signs are open to whoever stands before them. */
export const open = new Client(uniTransport, { base: serverAddress(), language: languageTag })
