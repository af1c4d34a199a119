// What the form of a user asks the API to do.
import type { Schemas } from '@/api/types'

export interface UserForm {
  username: string
  password: string
  mustChange: boolean
  sendTo: string
  groups: string[]
}

const same = (a: string[], b: string[]) =>
  a.length === b.length && a.every((group) => b.includes(group))

/** Only what differs: an unchanged field must not end sessions or touch a password. */
export function changeOf(user: Schemas['User'] | undefined, form: UserForm) {
  const change: Schemas['UserNew'] = { username: form.username, password: form.password }
  if (user === undefined) {
    if (form.mustChange) change.password_expired = true
    if (form.sendTo !== '') change.two_fa_send_to = form.sendTo
    if (form.groups.length > 0) change.groups = form.groups
    return change
  }
  const part: Partial<Schemas['UserNew']> = change
  if (form.username === user.username) delete part.username
  if (form.password === '') delete part.password
  if (form.mustChange !== user.password_expired) part.password_expired = form.mustChange
  if (form.sendTo !== user.two_fa_send_to) part.two_fa_send_to = form.sendTo
  if (!same(form.groups, user.groups)) part.groups = form.groups
  return part as Schemas['UserNew']
}
