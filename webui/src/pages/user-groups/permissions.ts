import type { Permission } from '@/stores/session'
import { userGroups } from '@/texts'

/** The eight permissions in the order in which they are shown. */
export const PERMISSIONS: Permission[] = [
  'tunnels',
  'commands',
  'scripts',
  'scheduler',
  'uploads',
  'monitoring',
  'vault',
  'auditlog',
]

export const noPermissions = () =>
  Object.fromEntries(PERMISSIONS.map((p) => [p, false])) as Record<Permission, boolean>

export const titleOf = (permission: Permission) => userGroups.permissions[permission].title
