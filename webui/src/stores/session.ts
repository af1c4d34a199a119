import { defineStore } from 'pinia'
import { computed, ref } from 'vue'
import { api, whenSignedOut } from '@/api/client'
import type { Schemas } from '@/api/types'
import { usePreference } from '@/composables/usePreference'

export type Permission = keyof Schemas['Permissions']
export type SecondFactor = NonNullable<Schemas['Login']['two_fa']>

const HOUR_S = 3600
// A working day; the server keeps a session that is used for longer.
const LIFETIME_H = 12
const ADMINISTRATORS = 'Administrators'

/** Who is signed in and what he may do. The token itself is in a cookie that script cannot read. */
export const useSession = defineStore('session', () => {
  const me = ref<Schemas['Me']>()
  const status = ref<Schemas['Status']>()
  /** A sign-in that lacks its second factor. */
  const pending = ref<{ username: string; factor: SecondFactor }>()
  // Spares the server a call that would count as a bad attempt when nobody has signed in here.
  const hint = usePreference('signed-in', false)
  const signedIn = computed(() => me.value !== undefined)
  const isAdmin = computed(() => me.value?.groups.includes(ADMINISTRATORS) ?? false)
  let ended: () => void = () => undefined

  function forget() {
    me.value = undefined
    status.value = undefined
    pending.value = undefined
    hint.value = false
  }

  async function load() {
    const [user, server] = await Promise.all([
      api.get('/me', { keepSession: true }),
      api.get('/status', { keepSession: true }),
    ])
    me.value = user.data
    status.value = server.data
    pending.value = undefined
    hint.value = true
  }

  /** Once at start: is there a session from before? */
  async function resume() {
    if (!hint.value) return
    try {
      await load()
    } catch {
      forget()
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
    }
  }

  /** May the user do what the permission stands for? Administrators need it as well. */
  function can(permission: Permission) {
    return me.value?.effective_user_permissions?.[permission] ?? false
  }

  /** callback: the server has ended the session; goes to the sign-in page. */
  function whenEnded(callback: () => void) {
    ended = callback
  }
  whenSignedOut(() => {
    if (!signedIn.value) return
    forget()
    ended()
  })

  return {
    me,
    status,
    pending,
    signedIn,
    isAdmin,
    can,
    load,
    resume,
    signIn,
    verify,
    enrol,
    signOut,
    whenEnded,
  }
})
