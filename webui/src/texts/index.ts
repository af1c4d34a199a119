// All texts of the dashboard, by area. Pages import from here; a translation replaces the areas.
export { clients } from './clients'
export { common, plural } from './common'
export { frame } from './frame'
export { login } from './login'
export { overview } from './overview'
export { userGroups, users } from './users'
export { clientAccess } from './clientAccess'
export { vault } from './vault'
