import { common } from '@/texts'

/** One entry of the API's {"errors": […]}. */
export interface ErrorEntry {
  code: string
  title: string
  detail: string
}

/** A call that failed. status is 0 when there was no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly errors: ErrorEntry[],
  ) {
    super(errors[0]?.title || common.errors.status(status))
    this.name = 'ApiError'
  }

  get code(): string {
    return this.errors[0]?.code ?? ''
  }

  /** The short text of all entries. */
  get title(): string {
    return (
      this.errors
        .map((e) => e.title)
        .filter(Boolean)
        .join('. ') || this.message
    )
  }

  get detail(): string {
    return this.errors
      .map((e) => e.detail)
      .filter(Boolean)
      .join('. ')
  }

  /** What the user can do about it; empty where the title says it already. */
  get advice(): string {
    return common.errors.advice(this.status)
  }
}

function isEntry(value: unknown): value is Partial<ErrorEntry> {
  return typeof value === 'object' && value !== null && 'title' in value
}

/** Reads the body of a refused call; text that is not the API's JSON becomes the title. */
export function errorFrom(status: number, body: string): ApiError {
  try {
    const parsed: unknown = JSON.parse(body)
    const list = (parsed as { errors?: unknown }).errors
    if (Array.isArray(list) && list.length > 0) {
      const entries = list.filter(isEntry).map((e) => ({
        code: String(e.code ?? ''),
        title: String(e.title ?? ''),
        detail: String(e.detail ?? ''),
      }))
      return new ApiError(status, entries)
    }
  } catch {
    // Some refusals are plain text: 404 of an unknown path, 423.
  }
  const isText = body.length < 200 && !/^\s*[{[<]/.test(body)
  const title = isText ? body.trim() : ''
  return new ApiError(status, [
    { code: '', title: title || common.errors.status(status), detail: '' },
  ])
}

/** Any thrown value as an ApiError, so that pages show one kind. */
export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  const text = error instanceof Error ? error.message : String(error)
  return new ApiError(0, [{ code: '', title: common.errors.noAnswer, detail: text }])
}
