import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FakeSocket } from './lib/fakeSocket'
import { useEvents } from '@/stores/events'
import { useSession } from '@/stores/session'

const kept = new Map<string, string>()
let heard: ((event: { key: string }) => void)[] = []
/** Another page of the browser remembers something. */
function elsewhere(key: string, value: unknown) {
  kept.set(key, JSON.stringify(value))
  for (const listener of heard) listener({ key })
}
beforeEach(() => {
  kept.clear()
  heard = []
  setActivePinia(createPinia())
  vi.useFakeTimers()
  vi.stubGlobal('window', globalThis)
  vi.stubGlobal('addEventListener', (_: string, listener: (typeof heard)[0]) =>
    heard.push(listener),
  )
  vi.stubGlobal('location', { protocol: 'https:', host: 'rport.example' })
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  })
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('events', () => {
  const asked = vi.fn()
  beforeEach(() => {
    FakeSocket.all = []
    asked.mockReset()
    vi.stubGlobal('WebSocket', FakeSocket)
    vi.stubGlobal('fetch', async (url: string) => {
      asked(url)
      throw new TypeError('no network')
    })
  })
  const { last } = FakeSocket

  it('hears events, comes back after a break and says that some may be lost', () => {
    const events = useEvents()
    const heard: string[] = []
    const end = events.subscribe((event) => heard.push(event.type))
    events.start()
    events.start()
    expect(FakeSocket.all.map((s) => s.url)).toEqual(['wss://rport.example/api/v1/ws/events'])
    last().onopen?.()
    expect(events.state).toBe('on')
    last().onmessage?.({ data: '{"type":"client","action":"connected"}' })
    last().onmessage?.({ data: 'nonsense' })
    last().onclose?.()
    expect(events.state).toBe('off')
    vi.advanceTimersByTime(1000)
    expect(FakeSocket.all.length).toBe(2)
    last().onopen?.()
    expect(heard).toEqual(['client', 'lost'])
    end()
    last().onmessage?.({ data: '{"type":"client"}' })
    expect(heard.length).toBe(2)
  })

  it('waits longer each time and ends when told', () => {
    const events = useEvents()
    events.start()
    for (const wait of [1000, 2000, 4000, 8000]) {
      const before = FakeSocket.all.length
      last().onclose?.()
      vi.advanceTimersByTime(wait / 2 - 1)
      expect(FakeSocket.all.length).toBe(before)
      vi.advanceTimersByTime(wait / 2 + 1)
      expect(FakeSocket.all.length).toBe(before + 1)
    }
    events.stop()
    expect(last().closed).toBe(true)
    vi.advanceTimersByTime(100_000)
    expect(FakeSocket.all.length).toBe(5)
  })

  it('asks after a break whether there is still a session, and comes back at once when told', () => {
    const events = useEvents()
    events.start()
    last().onopen?.()
    expect(asked).not.toHaveBeenCalled()
    last().onclose?.()
    expect(asked).toHaveBeenCalledWith('/api/v1/me')
    events.retry()
    expect(events.state).toBe('connecting')
    events.retry()
    expect(FakeSocket.all.length).toBe(2)
    vi.advanceTimersByTime(100_000)
    expect(FakeSocket.all.length).toBe(2)
  })

  it('says that events were lost also when somebody has signed in again in between', () => {
    const events = useEvents()
    const types: string[] = []
    events.subscribe((event) => types.push(event.type))
    events.start()
    last().onopen?.()
    events.stop()
    events.start()
    last().onopen?.()
    expect(types).toEqual(['lost'])
  })
})

describe('session', () => {
  const ME = {
    username: 'carla',
    groups: ['staff'],
    effective_user_permissions: { tunnels: true, vault: false },
  }
  let answers: Record<string, [number, unknown]>
  let calls: { url: string; init: RequestInit }[]
  beforeEach(() => {
    calls = []
    answers = {
      'GET /me': [200, { data: ME }],
      'GET /status': [200, { data: { version: '1' } }],
      'GET /auth/provider': [200, { data: { max_token_lifetime: 0 } }],
      'POST /login': [200, { data: { two_fa: null } }],
      'DELETE /logout': [204, undefined],
    }
    vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
      calls.push({ url, init })
      const path = url.replace('/api/v1', '').replace(/\?.*/, '')
      const [status, body] = answers[`${init.method} ${path}`] ?? [404, undefined]
      const headers = { 'Content-Type': 'application/json' }
      return new Response(body === undefined ? null : JSON.stringify(body), { status, headers })
    })
  })
  const called = () => calls.map((c) => `${c.init.method} ${c.url}`)

  it('signs in with the header that asks for a cookie, and keeps nothing but a hint', async () => {
    const session = useSession()
    await session.signIn('carla', 'secret')
    expect(session.signedIn).toBe(true)
    expect([session.can('tunnels'), session.can('vault'), session.isAdmin]).toEqual([
      true,
      false,
      false,
    ])
    for (const { init } of calls)
      expect((init.headers as Record<string, string>)['X-Rport-Session']).toBe('cookie')
    expect(called()).toContain('POST /api/v1/login?token-lifetime=43200')
    expect([...kept]).toEqual([['rport.signed-in', 'true']])
    await session.signOut()
    expect(called().at(-1)).toBe('DELETE /api/v1/logout')
    expect(session.signedIn).toBe(false)
  })

  it('asks for no longer a session than the server gives', async () => {
    answers['GET /auth/provider'] = [200, { data: { max_token_lifetime: 2 } }]
    await useSession().signIn('carla', 'secret')
    expect(called()).toContain('POST /api/v1/login?token-lifetime=7200')
  })

  it('waits for the second factor', async () => {
    const factor = { send_to: 'c@example.com', delivery_method: 'email', totp_key_status: '' }
    answers['POST /login'] = [200, { data: { two_fa: factor } }]
    answers['POST /verify-2fa'] = [401, { errors: [{ title: 'invalid token' }] }]
    const session = useSession()
    await session.signIn('carla', 'secret')
    expect([session.signedIn, session.pending?.username]).toEqual([false, 'carla'])
    await expect(session.verify('123456')).rejects.toThrow('invalid token')
    expect(session.pending).toBeDefined()
    answers['POST /verify-2fa'] = [200, { data: { two_fa: null } }]
    await session.verify('123457')
    expect([session.signedIn, session.pending]).toEqual([true, undefined])
  })

  it('asks the server at start only where somebody has signed in before', async () => {
    const session = useSession()
    await session.resume()
    expect(calls).toEqual([])
    await session.signIn('carla', 'secret')
    setActivePinia(createPinia())
    calls = []
    answers['GET /me'] = [401, { errors: [{ title: 'unauthorized' }] }]
    await useSession().resume()
    expect(called()).toContain('GET /api/v1/me')
    expect([useSession().signedIn, useSession().wasOver]).toEqual([false, true])
  })

  it('asks again at the next start when the server was away', async () => {
    kept.set('rport.signed-in', 'true')
    answers['GET /me'] = [503, undefined]
    await useSession().resume()
    expect([useSession().signedIn, useSession().wasOver]).toEqual([false, false])
    expect(kept.get('rport.signed-in')).toBe('true')
  })

  const refuse = async () => {
    answers['GET /tunnels'] = [401, { errors: [{ title: 'unauthorized' }] }]
    const { api } = await import('@/api/client')
    await Promise.allSettled([api.get('/tunnels'), api.get('/tunnels')])
  }

  it('keeps who it was when the server has ended the session, until he is back', async () => {
    const session = useSession()
    await session.signIn('carla', 'secret')
    await refuse()
    expect([session.signedIn, session.ended]).toEqual([false, true])
    expect(session.me?.username).toBe('carla')
    await session.signIn('carla', 'secret')
    expect([session.signedIn, session.ended]).toEqual([true, false])
  })

  it('lets nobody else go on with what is on the page', async () => {
    const session = useSession()
    const replaced = vi.fn()
    session.whenReplaced(replaced)
    await session.signIn('carla', 'secret')
    await refuse()
    answers['GET /me'] = [200, { data: { ...ME, username: 'mallory' } }]
    await session.signIn('mallory', 'secret')
    expect(replaced).toHaveBeenCalledTimes(1)
    expect([session.signedIn, session.me?.username]).toEqual([false, 'carla'])
  })

  it('follows other pages of the browser: the cookie is one for all', async () => {
    const session = useSession()
    const left = vi.fn()
    session.whenLeft(left)
    elsewhere('rport.signed-in', true)
    await vi.waitFor(() => expect(session.signedIn).toBe(true))
    elsewhere('rport.signed-out-at', 1)
    expect([session.signedIn, session.me, left.mock.calls.length]).toEqual([false, undefined, 1])
  })
})
