// Runs the built mini-program in Node: jsdom for the tree, WeChat's own compiler of templates, j-component for the rest.
// `wx` is a stand-in that keeps what was called; the server is a function of the test.
const path = require('path')
const { JSDOM } = require('jsdom')

const dom = new JSDOM('<!doctype html><html><body></body></html>', { url: 'https://mini.test/', pretendToBeVisual: true })
const GLOBALS = ['window', 'document', 'Event', 'CustomEvent', 'Node', 'HTMLElement', 'Element', 'MouseEvent', 'TouchEvent',
  'UIEvent', 'getComputedStyle', 'Text', 'DocumentFragment', 'DOMParser', 'navigator']
for (const name of GLOBALS) {
  const value = name === 'window' ? dom.window : dom.window[name]
  Object.defineProperty(global, name, { value, configurable: true, writable: true })
}

const SYSTEM = {
  windowWidth: 390, windowHeight: 760, screenWidth: 390, screenHeight: 844, pixelRatio: 3, platform: 'ios', language: 'zh_CN',
  SDKVersion: '3.8.0', version: '8.0.50', statusBarHeight: 47, safeArea: { top: 47, bottom: 810, left: 0, right: 390 },
  model: 'iPhone', system: 'iOS 17', brand: 'iPhone', theme: 'light', fontSizeScaleFactor: 1,
}
const CAPSULE = { top: 51, bottom: 83, height: 32, width: 87, left: 296, right: 383 }

const calls = []
const failures = []
const world = {
  server: () => ({ status: 404, body: { code: 'route.unknown', title: 'nothing here' } }),
  pays: 'ok', // what happens in WeChat's own window: ok, cancel or fail
  storage: new Map(),
}

function answer(options) {
  calls.push(['request', options.method ?? 'GET', options.url, options.data])
  let told
  try {
    told = world.server(options.method ?? 'GET', options.url, options.data ? JSON.parse(options.data) : undefined)
  } catch (failure) {
    failures.push(failure)
    told = { status: 500, body: {} }
  }
  setTimeout(() => {
    if (told === null) options.fail?.({ errMsg: 'request:fail' })
    else options.success?.({ statusCode: told.status ?? 200, data: JSON.stringify(told.body), header: {} })
  }, 0)
  return { abort() {} }
}

const noted = (name, result = {}) => (options = {}) => {
  calls.push([name, options.url ?? options.title ?? options.text ?? ''])
  setTimeout(() => options.success?.(result), 0)
}
const watched = () => () => {}
const query = {
  in: () => query, select: () => query, selectAll: () => query, boundingClientRect: () => query, fields: () => query, node: () => query,
  exec: (then) => then?.([{ width: 100, height: 100, node: null }]),
}

global.wx = {
  getSystemInfoSync: () => SYSTEM, getWindowInfo: () => SYSTEM, getAppBaseInfo: () => SYSTEM, getDeviceInfo: () => SYSTEM,
  getLaunchOptionsSync: () => ({ path: 'pages/home/home', query: {}, scene: 1001 }),
  getEnterOptionsSync: () => ({ path: 'pages/home/home', query: {} }),
  getAccountInfoSync: () => ({ miniProgram: { appId: 'touristappid', envVersion: 'develop' } }),
  getMenuButtonBoundingClientRect: () => CAPSULE, getLocale: () => 'zh-Hans', canIUse: () => true,
  onAppShow: watched(), onAppHide: watched(), onThemeChange: watched(), nextTick: (run) => setTimeout(run, 0),
  request: answer,
  navigateTo: noted('navigateTo'), switchTab: noted('switchTab'), navigateBack: noted('navigateBack'), reLaunch: noted('reLaunch'),
  setNavigationBarTitle: noted('title'), setTabBarItem: noted('tab'), showToast: noted('toast'), stopPullDownRefresh: noted('refreshed'),
  setClipboardData: noted('copied'), showModal: noted('modal', { confirm: true, cancel: false, content: '' }),
  scanCode: noted('scan', { result: 'https://parking.example/c/ABCDEFGHJK' }), login: noted('login', { code: 'login-code' }),
  requestPayment: (options) => {
    calls.push(['requestPayment', options])
    setTimeout(() => (world.pays === 'ok' ? options.success?.({ errMsg: 'requestPayment:ok' })
      : options.fail?.({ errMsg: `requestPayment:fail${world.pays === 'cancel' ? ' cancel' : ''}` })), 0)
  },
  createSelectorQuery: () => query,
  createIntersectionObserver: () => ({ relativeToViewport() { return this }, observe() {}, disconnect() {} }),
  getStorageSync: (name) => world.storage.get(name) ?? '', setStorageSync: (name, value) => world.storage.set(name, value),
  removeStorageSync: (name) => world.storage.delete(name),
}

const rpx = (text) => text.replace(/(-?[\d.]+)rpx/gi, (_, value) => `${(value * 390) / 750}px`)
require('miniprogram-simulate/src/utils').transformRpx = rpx
require('j-component/src/tool/utils').transformRpx = rpx
const simulate = require('miniprogram-simulate')

let app = null
const pages = []
global.App = (options) => { app = options }
global.Page = () => { throw new Error('uni-app makes pages by Component()') }
global.getApp = () => app ?? undefined
global.getCurrentPages = () => pages
process.on('unhandledRejection', (failure) => failures.push(failure))
const said = console.error
console.error = (...words) => {
  failures.push(new Error(words.map(String).join(' ')))
  said(...words)
}

/** Start the package as WeChat does. */
function boot(root) {
  require(path.join(root, 'app.js'))
  app.onLaunch?.call(app, wx.getLaunchOptionsSync())
  app.onShow?.call(app, {})
}

/** Open a page and wait until it has asked and shown what it wants to. */
async function open(root, route, query = {}) {
  const page = simulate.render(simulate.load(path.join(root, route), { rootPath: root, compiler: 'official' }))
  const host = document.createElement('div')
  document.body.appendChild(host)
  Object.assign(page.instance, { route, is: route, options: query })
  pages.push(page.instance)
  page.attach(host)
  page.instance.onLoad?.(query)
  page.instance.onShow?.()
  page.instance.onReady?.()
  const text = () => host.textContent.replace(/\s+/g, ' ')
  return {
    text,
    /** Wait until the page shows something; what it shows instead is told. */
    async shows(pattern, withinMs = 8_000) {
      for (let waited = 0; !pattern.test(text()); waited += 20) {
        if (waited > withinMs) throw new Error(`${route} does not show ${pattern}: ${text()}`)
        await simulate.sleep(20)
      }
    },
    all: (selector) => [...host.querySelectorAll(selector)],
    close() {
      page.instance.onUnload?.()
      page.detach()
      pages.pop()
      host.remove()
    },
  }
}

/** Tap an element as a finger does. */
async function tap(element) {
  if (!element) throw new Error('there is nothing to tap')
  const at = { pageX: 1, pageY: 1, clientX: 1, clientY: 1 }
  for (const kind of ['touchstart', 'touchend']) {
    const event = new window.Event(kind, { bubbles: true })
    Object.assign(event, { touches: kind === 'touchstart' ? [at] : [], changedTouches: [at], targetTouches: [] })
    element.dispatchEvent(event)
  }
  await simulate.sleep(20)
}

module.exports = { boot, calls, failures, open, tap, world }
