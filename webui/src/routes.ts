// Routes come from src/pages/<area>/routes.ts: who writes a page adds it there, and a page that asks
// for it stands in the navigation.
import type { Component } from 'vue'
import type { RouteRecordRaw } from 'vue-router'
import type { Permission } from '@/stores/session'

export type NavSection = 'watch' | 'act' | 'admin'

declare module 'vue-router' {
  interface RouteMeta {
    title: string
    /** The permission that the page needs; of several any will do. */
    may?: Permission | Permission[]
    /** Only for administrators. */
    admin?: boolean
    /** Seen by those who are not signed in, without the frame. */
    open?: boolean
    /** Place in the navigation; lower order comes first. */
    nav?: { section: NavSection; order: number; icon: Component }
  }
}

const areas = import.meta.glob<{ routes: RouteRecordRaw[] }>('./pages/*/routes.ts', { eager: true })

export const pageRoutes: RouteRecordRaw[] = Object.values(areas).flatMap((area) => area.routes)

export interface Rights {
  isAdmin: boolean
  can: (permission: Permission) => boolean
}

/** May the user see the page? The server decides again on every call. */
export function mayOpen(meta: RouteRecordRaw['meta'], rights: Rights): boolean {
  if (!meta) return true
  return (!meta.admin || rights.isAdmin) && (!meta.may || [meta.may].flat().some(rights.can))
}

export interface NavEntry {
  path: string
  title: string
  icon: Component
}

/** What the navigation shows this user, by section. */
export function navigation(routes: RouteRecordRaw[], rights: Rights): [NavSection, NavEntry[]][] {
  const sections: NavSection[] = ['watch', 'act', 'admin']
  return sections
    .map((section): [NavSection, NavEntry[]] => {
      const entries = routes
        .filter((r) => r.meta?.nav?.section === section && mayOpen(r.meta, rights))
        .sort((a, b) => (a.meta?.nav?.order ?? 0) - (b.meta?.nav?.order ?? 0))
      return [
        section,
        entries.flatMap((r) =>
          r.meta?.nav ? [{ path: r.path, title: r.meta.title, icon: r.meta.nav.icon }] : [],
        ),
      ]
    })
    .filter(([, entries]) => entries.length > 0)
}
