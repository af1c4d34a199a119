import {
  anyTarget,
  fromFields,
  noTargets,
  toFields,
  type Targets,
} from '@/components/targets/targets'
import type { Schemas } from '@/api/types'
import { fromBase64, toBase64 } from '@/composables/base64'
import { newOptions, optionsBody, timeoutError, type RunOptions } from '@/pages/client/run/options'
import { jobs } from '@/texts'

export interface JobForm {
  isScript: boolean
  command: string
  script: string
  targets: Targets
  options: RunOptions
  atOnce: boolean
  abort: boolean
}

export const newForm = (isScript: boolean): JobForm => ({
  isScript,
  command: '',
  script: '',
  targets: noTargets(),
  options: newOptions(),
  atOnce: false,
  abort: true,
})

/** What is missing or wrong, by part of the form. */
export function problems(form: JobForm) {
  const what = form.isScript ? form.script : form.command
  const missing = form.isScript ? jobs.form.missing.script : jobs.form.missing.command
  return {
    what: what.trim() === '' ? missing : undefined,
    targets: anyTarget(form.targets) ? undefined : jobs.form.missing.targets,
    timeout: timeoutError(form.options),
  }
}

/** As POST /commands and /scripts take it. */
export function bodyOf(form: JobForm) {
  return {
    ...toFields(form.targets),
    ...optionsBody(form.options),
    execute_concurrently: form.atOnce,
    abort_on_error: form.abort,
    ...(form.isScript ? { script: toBase64(form.script) } : { command: form.command.trim() }),
  }
}

/** A job that ran, to be run again. */
export function fromJob(job: Schemas['MultiJob']): JobForm {
  return {
    isScript: job.is_script,
    command: job.is_script ? '' : job.command,
    script: job.is_script ? job.command : '',
    targets: fromFields(job),
    options: {
      interpreter: job.interpreter,
      cwd: job.cwd,
      sudo: job.is_sudo,
      timeout: String(job.timeout_sec),
    },
    atOnce: job.concurrent,
    abort: job.abort_on_err,
  }
}

/** What of the form an entry of the library fills in. */
export function withCommand(form: JobForm, entry: Schemas['LibraryCommandPart']): JobForm {
  const timeout = entry.timeout_sec ? String(entry.timeout_sec) : form.options.timeout
  return {
    ...form,
    isScript: false,
    command: entry.cmd ?? '',
    options: { ...form.options, timeout },
  }
}

export function withScript(form: JobForm, entry: Schemas['LibraryScriptPart']): JobForm {
  return {
    ...form,
    isScript: true,
    script: fromBase64(entry.script ?? ''),
    options: {
      interpreter: entry.interpreter ?? '',
      cwd: entry.cwd ?? '',
      sudo: entry.is_sudo ?? false,
      timeout: entry.timeout_sec ? String(entry.timeout_sec) : form.options.timeout,
    },
  }
}
