import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { api, whenSignedOut } from '@/api/client'
import { asApiError } from '@/api/error'
import type { Schemas } from '@/api/types'
import { usePreference, whenChangedElsewhere } from '@/composables/usePreference'

export type Permission = keyof Schemas['Permissions']
export type SecondFactor = NonNullable<Schemas['Login']['two_fa']>

const HOUR_S = 3600
// A working day; the server keeps a session that is used for longer.
const LIFETIME_H = 12
const ADMINISTRATORS = 'Administrators'
const HINT = 'signed-in'
const LEFT = 'signed-out-at'

/** Who is signed in and what he may do. The token itself is in a cookie that script cannot read. */
export const useSession = defineStore('session', () => {
  const me = ref<Schemas['Me']>()
  const status = ref<Schemas['Status']>()
  /** A sign-in that lacks its second factor. */
  const pending = ref<{ username: string; factor: SecondFactor }>()
  /** The server has ended the session while its page is open: who signs in again goes on there. */
  const ended = ref(false)
  /** There was a session when the page was loaded, but it had ended. */
  const wasOver = ref(false)
  // Spares the server a call that would count as a bad attempt when nobody has signed in here.
  const hint = usePreference(HINT, false)
  const left = usePreference(LEFT, 0)
  const signedIn = computed(() => me.value !== undefined && !ended.value)
  const isAdmin = computed(() => me.value?.groups.includes(ADMINISTRATORS) ?? false)
  let signedOut: () => void = () => undefined
  let anotherUser: () => void = () => undefined

  function forget() {
    me.value = undefined
    status.value = undefined
    pending.value = undefined
    ended.value = false
    hint.value = false
  }

  async function load() {
    const [user, server] = await Promise.all([
      api.get('/me', { keepSession: true }),
      api.get('/status', { keepSession: true }),
    ])
    const before = me.value?.username
    hint.value = true
    pending.value = undefined
    // What the page shows belongs to another.
    if (before !== undefined && before !== user.data.username) return anotherUser()
    me.value = user.data
    status.value = server.data
    ended.value = false
  }

  /** Once at start: is there a session from before? */
  async function resume() {
    if (!hint.value) return
    try {
      await load()
    } catch (thrown) {
      wasOver.value = asApiError(thrown).status === 401
      if (wasOver.value) forget()
    }
  }

  async function lifetime() {
    const provider = (await api.get('/auth/provider', { keepSession: true })).data
    const hours = provider.max_token_lifetime
    return (hours > 0 ? Math.min(hours, LIFETIME_H) : LIFETIME_H) * HOUR_S
  }

  /** Ends signed in, or with the second factor missing (pending). */
  async function signIn(username: string, password: string, newPassword?: string) {
    const body = { username, password, ...(newPassword ? { new_password: newPassword } : {}) }
    const query = { 'token-lifetime': await lifetime() }
    const { data } = await api.post('/login', { body, query, keepSession: true })
    if (data.two_fa) {
      pending.value = { username, factor: data.two_fa }
      return
    }
    await load()
  }

  async function verify(code: string) {
    if (!pending.value) return
    const body = { username: pending.value.username, token: code }
    const query = { 'token-lifetime': await lifetime() }
    await api.post('/verify-2fa', { body, query, keepSession: true })
    await load()
  }

  /** Makes the secret of the authenticator app during the first sign-in with TOTP. */
  const enrol = () => api.post('/me/totp-secret', { keepSession: true })

  /** Ends the session on the server too. */
  async function signOut() {
    try {
      await api.delete('/logout', { keepSession: true })
    } finally {
      forget()
      left.value = Date.now()
    }
  }

  /** May the user do what the permission stands for? Administrators need it as well. */
  function can(permission: Permission) {
    return me.value?.effective_user_permissions?.[permission] ?? false
  }

  /** callback: somebody has signed out, here or in another page of this browser. */
  function whenLeft(callback: () => void) {
    signedOut = callback
  }
  /** callback: the page shows what belongs to another user than the one who is signed in now. */
  function whenReplaced(callback: () => void) {
    anotherUser = callback
  }
  whenSignedOut(() => {
    if (signedIn.value) ended.value = true
  })
  // The cookie is one for all pages of this browser.
  whenChangedElsewhere(HINT, false, (now) => {
    if (now) load().catch(() => undefined)
  })
  whenChangedElsewhere(LEFT, 0, () => {
    if (!me.value) return
    forget()
    signedOut()
  })

  return {
    me,
    status,
    pending,
    ended,
    wasOver,
    signedIn,
    isAdmin,
    can,
    load,
    forget,
    resume,
    signIn,
    verify,
    enrol,
    signOut,
    whenLeft,
    whenReplaced,
  }
})
