// Requests by the browser's fetch. Raises `Unreachable` when there is no answer.
import { Unreachable, type Transport } from '@api'

const PATIENCE_MS = 30_000
const FILE_PATIENCE_MS = 600_000

export const fetchTransport: Transport = async ({ method, url, headers, body, wantsFile }) => {
  try {
    const answer = await fetch(url, { method, headers, body: body ?? null, signal: AbortSignal.timeout(wantsFile ? FILE_PATIENCE_MS : PATIENCE_MS) })
    const heard = { status: answer.status, headers: Object.fromEntries(answer.headers) }
    return wantsFile && answer.ok ? { ...heard, text: '', file: await answer.blob() } : { ...heard, text: await answer.text() }
  } catch (error) {
    throw new Unreachable(String(error))
  }
}
