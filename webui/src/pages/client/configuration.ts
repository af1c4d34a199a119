import type { Schemas } from '@/api/types'

export type Client = Schemas['ClientPart']

export interface Configured {
  /** Undefined: the client does not tell. */
  commands?: boolean
  scripts?: boolean
  files?: boolean
  monitoring?: boolean
  /** Interpreters by names of the client's own. */
  aliases: string[]
  lan: boolean
  wan: boolean
}

function part(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)[key]
    : undefined
}

const enabled = (config: unknown, key: string) => {
  const value = part(part(config, key), 'enabled')
  return typeof value === 'boolean' ? value : undefined
}
const card = (config: unknown, key: string) => {
  const value = part(part(config, 'monitoring'), key)
  return typeof value === 'object' && value !== null
}
const ALIASES_MAX = 100

/** What a client says about its settings; all of it may be missing or nonsense. */
export function configured(client: Client): Configured {
  const config: unknown = client.client_configuration
  const aliases = part(config, 'interpreter_aliases')
  return {
    commands: enabled(config, 'remote_commands'),
    scripts: enabled(config, 'remote_scripts'),
    files: enabled(config, 'file_reception'),
    monitoring: enabled(config, 'monitoring'),
    aliases:
      typeof aliases === 'object' && aliases !== null
        ? Object.keys(aliases).slice(0, ALIASES_MAX)
        : [],
    lan: card(config, 'lan_card'),
    wan: card(config, 'wan_card'),
  }
}
