import { expect, test } from 'vitest'
import { changeOf } from '@/pages/users/userForm'

const user = {
  username: 'ann',
  groups: ['Operators', 'Readers'],
  password_expired: false,
  two_fa_send_to: '',
  group_permissions_enabled: true,
  effective_user_permissions: null,
  effective_extended_permissions: null,
}
const form = {
  username: 'ann',
  password: '',
  mustChange: false,
  sendTo: '',
  groups: ['Readers', 'Operators'],
}

test('nothing changed asks for nothing: neither sessions nor password are touched', () => {
  expect(changeOf(user, form)).toEqual({})
})

test('only what differs is sent', () => {
  expect(changeOf(user, { ...form, groups: ['Readers'], password: 'longer than before' })).toEqual({
    groups: ['Readers'],
    password: 'longer than before',
  })
  expect(changeOf(user, { ...form, username: 'anna', mustChange: true })).toEqual({
    username: 'anna',
    password_expired: true,
  })
  expect(changeOf(user, { ...form, groups: [] })).toEqual({ groups: [] })
})

test('a new user has a name and a password, the rest only if given', () => {
  expect(changeOf(undefined, { ...form, password: 'p', groups: [] })).toEqual({
    username: 'ann',
    password: 'p',
  })
})
