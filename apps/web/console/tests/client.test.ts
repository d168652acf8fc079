import { describe, expect, it } from 'vitest'
import { Client, Problem, type Incoming, type Outgoing } from '@api'

const refused = (status: number, code: string): Incoming => ({ status, headers: {}, text: JSON.stringify({ status, code, title: 'no', params: {} }) })
const fine: Incoming = { status: 200, headers: {}, text: '{"id":"1"}' }

function peer(answers: Incoming[]) {
  const sent: Outgoing[] = []
  return { sent, transport: async (request: Outgoing) => (sent.push(request), answers.shift() ?? fine) }
}

describe('client', () => {
  it('fills paths and queries', async () => {
    const { sent, transport } = peer([])
    await new Client(transport).get('/v1/stays/{stay}', { path: { stay: 'a/b' } })
    expect(sent[0]!.url).toBe('/v1/stays/a%2Fb')
  })

  it('renews its token once and sends the deed again under the same key', async () => {
    const { sent, transport } = peer([refused(401, 'auth.required'), fine])
    let renewed = 0
    const client = new Client(transport, { renew: async () => (renewed++, true) })
    await client.post('/v1/lots/{lot}/lanes/{lane}/open', { path: { lot: 'a', lane: 'b' }, body: { reason: 'x' } })
    expect(renewed).toBe(1)
    expect(sent).toHaveLength(2)
    expect(sent[0]!.headers['idempotency-key']).toBe(sent[1]!.headers['idempotency-key'])
  })

  it('asks for a proof, and gives up when there is none', async () => {
    const { sent, transport } = peer([refused(401, 'auth.confirm_needed')])
    const client = new Client(transport, { confirm: async () => false, renew: async () => true })
    await expect(client.post('/v1/receipts/{receipt}/refunds', { path: { receipt: 'a' }, body: {} as never })).rejects.toBeInstanceOf(Problem)
    expect(sent).toHaveLength(1)
  })

  it('does not renew for ever', async () => {
    const { sent, transport } = peer([refused(401, 'auth.required'), refused(401, 'auth.required'), refused(401, 'auth.required')])
    const client = new Client(transport, { renew: async () => true })
    await expect(client.get('/v1/auth/me')).rejects.toBeInstanceOf(Problem)
    expect(sent).toHaveLength(2)
  })
})
