import { type Transport, Unreachable } from '@openberth/api'

const TIMEOUT_MS = 15_000

/** Requests by `uni.request`, which both a mini-program and a page in a browser have. */
export const uniTransport: Transport = (request) =>
  new Promise((resolve, reject) => {
    uni.request({
      url: request.url,
      method: request.method as 'GET' | 'POST' | 'PUT' | 'DELETE',
      header: request.headers,
      data: request.body,
      dataType: 'text', // the client reads it
      responseType: 'text',
      timeout: TIMEOUT_MS,
      success: (answer) => {
        const headers = Object.entries((answer.header ?? {}) as Record<string, unknown>)
        resolve({
          status: answer.statusCode,
          headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), String(value)])),
          text: typeof answer.data === 'string' ? answer.data : JSON.stringify(answer.data ?? ''),
        })
      },
      fail: (failure) => reject(new Unreachable(failure.errMsg)),
    })
  })

/** Where the server is: a page asks its own origin, a mini-program the address it was built for. */
export function serverAddress(): string {
  // #ifdef H5
  return ''
  // #endif
  // #ifndef H5
  return import.meta.env.VITE_API_BASE ?? 'http://127.0.0.1:8420'
  // #endif
}
