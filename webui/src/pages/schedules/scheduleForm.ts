// A schedule as the form has it, and as the API takes it.
import { joinZone, splitZone } from './cronWords'
import type { Schemas } from '@/api/types'
import {
  anyTarget,
  fromFields,
  noTargets,
  toFields,
  type Targets,
} from '@/components/targets/targets'
import { fromBase64, toBase64 } from '@/composables/base64'

export interface ScheduleForm {
  name: string
  cron: string
  zone: string
  type: 'command' | 'script'
  command: string
  script: string
  interpreter: string
  cwd: string
  timeout: string
  sudo: boolean
  concurrent: boolean
  abort: boolean
  overlaps: boolean
  targets: Targets
}

const TIMEOUT_S = '60'

export const emptySchedule = (): ScheduleForm => ({
  name: '',
  cron: '0 3 * * *',
  zone: '',
  type: 'command',
  command: '',
  script: '',
  interpreter: '',
  cwd: '',
  timeout: TIMEOUT_S,
  sudo: false,
  concurrent: false,
  abort: false,
  overlaps: false,
  targets: noTargets(),
})

export function fromSchedule(s: Schemas['Schedule']): ScheduleForm {
  const { zone, cron } = splitZone(s.schedule)
  return {
    name: s.name,
    cron,
    zone,
    type: s.type,
    command: s.command ?? '',
    script: fromBase64(s.script ?? ''),
    interpreter: s.interpreter,
    cwd: s.cwd,
    timeout: String(s.timeout_sec),
    sudo: s.is_sudo,
    concurrent: s.execute_concurrently,
    abort: s.abort_on_error ?? false,
    overlaps: s.overlaps,
    targets: fromFields(s),
  }
}

export function toSchedule(f: ScheduleForm): Schemas['ScheduleNew'] {
  return {
    name: f.name.trim(),
    schedule: joinZone(f.zone, f.cron),
    type: f.type,
    ...(f.type === 'command' ? { command: f.command } : { script: toBase64(f.script) }),
    interpreter: f.interpreter.trim(),
    cwd: f.cwd.trim(),
    timeout_sec: Number(f.timeout),
    is_sudo: f.sudo,
    execute_concurrently: f.concurrent,
    abort_on_error: f.abort,
    overlaps: f.overlaps,
    ...toFields(f.targets),
  }
}

export function isReady(f: ScheduleForm): boolean {
  const text = f.type === 'command' ? f.command : f.script
  const seconds = Number(f.timeout)
  return (
    f.name.trim() !== '' &&
    f.cron.trim() !== '' &&
    text.trim() !== '' &&
    Number.isInteger(seconds) &&
    seconds > 0 &&
    anyTarget(f.targets)
  )
}
