// Boots the built package given by its folder, renders every page of it, and pays at a lane with a finger.
const assert = require('assert')
const fs = require('fs')
const path = require('path')

const { boot, calls, failures, open, tap, world } = require('./harness')

const root = path.resolve(process.argv[2])
const CODE = 'ABCDEFGHJK'
const yuan = (minor) => ({ minor, currency: 'CNY' })
const AT = '2026-03-02T03:01:00.000000Z'
const LOT = { id: 'l', code: 'mall', name: { zh: '试验车场', en: 'Test lot' }, zone: 'Asia/Shanghai', currency: 'CNY', scan_code: CODE }
const LINES = [{ code: 'x', params: {}, text: '首小时', minutes: 60, amount: yuan(750) }]
const DUE = { id: 'b1', number: 'B1', due: yuan(750), paid: yuan(0), state: 'open', quoted_at: AT, valid_until: AT, lines: LINES }
const RECEIPT = { id: 'r', bill: 'b1', method: 'wechatpay', amount: yuan(750), received_at: AT, url: 'https://parking.example/r/x' }
const BILL = {
  ...DUE, subject_kind: 'stay', subject: 's', left: yuan(750), issued_at: AT, settled_at: null, lot: LOT, replaced_by: null,
}
const STAY = {
  id: 's1', own_plate: 'p1', plate: '粤B12345', lot: LOT, state: 'open', entered: AT, left: null, reason: null, price: null, paid: null,
  now: { at: AT, total: yuan(750), paid: yuan(0), due: yuan(750), lines: LINES, changes_at: null, leave_by: null }, bill: null,
  waits: null, bills: [BILL], receipts: [RECEIPT],
}
const OVER = { ...STAY, id: 's2', state: 'closed', left: AT, now: null, price: yuan(750), paid: yuan(750) }

let paid = false
let waits = true
const ANSWERS = [
  [/\/c\/\w+\/payment/, () => ({ state: paid ? 'paid' : 'open', due: yuan(750), receipt: null, barrier: paid ? 'open' : null })],
  [/\/c\/\w+\/pay$/, () => ({ attempt: 'a', channel: 'wechatpay', pay_url: null, due: yuan(750), expires_at: AT, receipt: '', order: 'o1',
    client: { timeStamp: '1', nonceStr: 'n', package: 'prepay_id=1', signType: 'RSA', paySign: 's' } })],
  [/\/c\/LLLLLLLLLL$/, () => ({ kind: 'lot', lot: 'mall', name: LOT.name, free: 5, state: 'open' })],
  [/\/c\/\w+$/, () => ({ kind: 'lane', lot: 'mall', lane: 'out-1', name: LOT.name, direction: 'exit',
    waiting: waits ? { passage: 'p', plate: '粤B·**345', ask: 'pay', bill: DUE, channels: ['alipay', 'wechatpay'] } : null })],
  [/\/v1\/auth\/me$/, () => ({ unread_notices: 2 })],
  [/\/v1\/me\/stays\/current/, () => ({ items: [STAY] })],
  [/\/v1\/me\/stays\/s2/, () => OVER],
  [/\/v1\/me\/stays/, () => ({ items: [OVER], next: null })],
  [/\/v1\/me\/bills\//, () => ({ bill: BILL, channels: ['wechatpay'], barrier: null, receipts: [] })],
  [/\/v1\/me\/plates$/, () => ({ items: [{ id: 'p1', plate: '粤B12345', bound_at: AT, verified_at: null, proof: null, sees_from: null }] })],
  [/\/v1\/me\/receipts/, () => ({ items: [{ receipt: RECEIPT, stay: 's2', plate: '粤B12345' }], next: null })],
  [/\/v1\/me\/debts/, () => ({ items: [{ id: 'd', stay: 's2', own_plate: 'p1', plate: '粤B12345', lot: LOT, bill: 'b1', amount: yuan(750),
    left: yuan(750), state: 'open', raised_at: AT, lapses_at: AT, reason: null, ended_at: null }], next: null })],
  [/\/movements/, () => ({ items: [{ deed: 'bill.topped_up', subject: 'x', by: yuan(5000), at: AT }], next: null })],
  [/\/v1\/me\/prepaid$/, () => ({ items: [{ id: 'a1', lot: LOT, code: 'A-1203', spending: 'company', pays_by_itself: true, state: 'active',
    balance: yuan(5000), held: yuan(0), plates: ['粤B·**345'], opened_at: AT }] })],
  [/\/v1\/me\/notices/, () => ({ items: [{ id: 'n', kind: 'x', text: '付款成功', about: {}, at: AT, read_at: null }], next: null })],
]

world.server = (method, url) => {
  const path_ = url.replace(/^https?:\/\/[^/]+/, '').replace(/\?.*/, '')
  const found = ANSWERS.find(([pattern]) => pattern.test(path_))
  assert(found, `nobody answers ${method} ${url}`)
  return { status: 200, body: found[1]() }
}

// What every page shows when everything is there.
const SHOWN = {
  'pages/home/home': [{}, /¥7\.50/], 'pages/history/history': [{}, /试验车场/], 'pages/me/me': [{}, /我的车牌/],
  'pages/code/code': [{ c: CODE }, /¥7\.50/], 'pages/bill/bill': [{ bill: 'b1' }, /¥7\.50/], 'pages/sign-in/sign-in': [{}, /手机号快捷登录/],
  'pkg/stay/stay': [{ stay: 's2' }, /首小时/], 'pkg/plates/plates': [{}, /粤B·12345/], 'pkg/receipts/receipts': [{}, /微信支付/],
  'pkg/debts/debts': [{}, /待补缴/], 'pkg/prepaid/prepaid': [{}, /¥50\.00/], 'pkg/messages/messages': [{}, /付款成功/],
  'pkg/settings/settings': [{}, /关怀模式/],
}

/** Wait until something was called. */
async function happened(isIt, withinMs = 8_000) {
  for (let waited = 0; !calls.some(isIt); waited += 20) {
    assert(waited <= withinMs, 'it did not happen')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function everyPage() {
  const app = JSON.parse(fs.readFileSync(path.join(root, 'app.json'), 'utf8'))
  const routes = [...app.pages, ...app.subPackages.flatMap((part) => part.pages.map((page) => `${part.root}/${page}`))]
  assert.deepStrictEqual([...routes].sort(), Object.keys(SHOWN).sort(), 'every page is rendered here')
  for (const route of routes) {
    const [query, shown] = SHOWN[route]
    const page = await open(root, route, query)
    await page.shows(shown)
    page.close()
  }
}

async function payingAtALane() {
  const page = await open(root, 'pages/code/code', { q: encodeURIComponent(`https://parking.example/c/${CODE}`) })
  await page.shows(/粤B·\*\*345/)
  assert.doesNotMatch(page.text(), /支付宝/) // nobody pays by it in here
  const pay = () => page.all('wx-button').find((each) => /¥7\.50/.test(each.textContent))
  world.pays = 'cancel'
  await tap(pay())
  await happened(([name, words]) => name === 'toast' && /取消/.test(words))
  world.pays = 'ok'
  await tap(pay())
  await page.shows(/等待付款结果/)
  const [, method, , sent] = calls.filter(([name, , url]) => name === 'request' && /\/pay$/.test(url)).at(-1)
  assert.deepStrictEqual([method, JSON.parse(sent)], ['POST', { bill: 'b1', channel: 'wechatpay', way: 'app', payer_code: 'login-code' }])
  const [, asked] = calls.find(([name]) => name === 'requestPayment')
  assert.deepStrictEqual([asked.package, asked.paySign], ['prepay_id=1', 's'])
  paid = true
  waits = false
  await page.shows(/道闸已抬起，请通行/)
  page.close()
}

async function offline() {
  world.server = () => null
  const page = await open(root, 'pages/history/history')
  await page.shows(/网络不通/)
  assert.match(page.text(), /试验车场/) // the last state stays, with its age
  page.close()
  world.storage.clear()
  const other = await open(root, 'pages/code/code', { c: 'KKKKKKKKKK' })
  await other.shows(/连不上网络.*重试/)
  other.close()
}

async function main() {
  world.storage.set('session', JSON.stringify({ access: 'a', refresh: 'r', until: Date.now() + 3_600_000 }))
  boot(root)
  await everyPage()
  await payingAtALane()
  await offline()
  assert.deepStrictEqual(failures, [])
  console.log(`${Object.keys(SHOWN).length} pages, paid at a lane, offline: fine`)
  process.exit(0)
}
main().catch((failure) => {
  console.log(failure, 'last calls:', calls.slice(-6))
  process.exit(1)
})
