// Keeps the shell of the console at hand when the network is away: pages are asked for anew whenever possible, files
// whose names hold their content's number are taken from here. Answers of the API are never kept.
const SHELL = 'openberth-console'

self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()))

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url)
  if (event.request.method !== 'GET' || url.origin !== self.location.origin || !url.pathname.startsWith('/console/')) return
  event.respondWith(url.pathname.includes('/assets/') ? kept(event.request) : fresh(event.request))
})

async function kept(request) {
  const cache = await caches.open(SHELL)
  const found = await cache.match(request)
  if (found) return found
  const answer = await fetch(request)
  if (answer.ok) await cache.put(request, answer.clone())
  return answer
}

async function fresh(request) {
  const cache = await caches.open(SHELL)
  try {
    const answer = await fetch(request)
    if (answer.ok) {
      await cache.put(request, answer.clone())
      if (request.mode === 'navigate') await forget(cache, await answer.clone().text())
    }
    return answer
  } catch (error) {
    const found = await cache.match(request, { ignoreSearch: true })
    if (found) return found
    throw error
  }
}

// A new build names new files: those of builds before the last go once no page of theirs is open.
async function forget(cache, page) {
  const entries = await cache.keys()
  if (entries.length < 200) return
  for (const entry of entries) {
    const path = new URL(entry.url).pathname
    if (path.includes('/assets/') && !page.includes(path)) await cache.delete(entry)
  }
}
