// Calls of the API. The session is a cookie that script cannot read; every call carries a header
// that a form on another site cannot send.
import { ApiError, asApiError, errorFrom } from './error'
import { queryText, type Query } from './query'
import type { Answer, Body, Method, PathOf, PathParams } from './types'
import { common } from '@/texts'

export const API_BASE = '/api/v1'
export const SESSION_HEADER = { 'X-Rport-Session': 'cookie' }

export interface CallOptions<P extends string = string, B = unknown> {
  path?: PathParams<P>
  query?: Query
  body?: B
  signal?: AbortSignal
  /** A refusal of the credentials is the caller's matter: the sign-in page. */
  keepSession?: boolean
}

type OnSignedOut = () => void
let onSignedOut: OnSignedOut = () => undefined

/** Called once a call was refused because the session has ended. */
export function whenSignedOut(callback: OnSignedOut): void {
  onSignedOut = callback
}

/** The error of a refused call. A refusal of the credentials ends the session, unless it is kept. */
export function refusal(status: number, body: string, keepSession = false): ApiError {
  if (status === 401 && !keepSession) onSignedOut()
  return errorFrom(status, body)
}

/** '/clients/{client_id}' with its names filled in. */
export function fillPath(path: string, params: Record<string, string | number> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = params[name]
    if (value === undefined) throw new Error(`${path} needs ${name}`)
    return encodeURIComponent(value)
  })
}

async function send(method: string, url: string, body: BodyInit | undefined, options: CallOptions) {
  const headers: Record<string, string> = { ...SESSION_HEADER, Accept: 'application/json' }
  if (typeof body === 'string') headers['Content-Type'] = 'application/json'
  try {
    return await fetch(url, {
      method,
      headers,
      body,
      signal: options.signal,
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
    })
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw asApiError(error)
  }
}

async function call(method: Method, path: string, options: CallOptions): Promise<unknown> {
  const params = options.path as Record<string, string | number> | undefined
  const url = API_BASE + fillPath(path, params) + queryText(options.query)
  const isForm = options.body instanceof FormData
  const body =
    options.body === undefined
      ? undefined
      : isForm
        ? (options.body as FormData)
        : JSON.stringify(options.body)
  const response = await send(method.toUpperCase(), url, body, options)
  const text = await response.text()
  if (!response.ok) throw refusal(response.status, text, options.keepSession)
  if (text === '' || !(response.headers.get('Content-Type') ?? '').includes('json'))
    return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw new ApiError(response.status, [{ code: '', title: common.errors.unreadable, detail: '' }])
  }
}

type Options<M extends Method, P extends PathOf<M>> = CallOptions<P, Body<M, P> | FormData>

/** api.get('/clients/{client_id}', {path: {client_id}}): answers the JSON, or throws ApiError. */
export const api = {
  get: <P extends PathOf<'get'>>(path: P, options: Options<'get', P> = {}) =>
    call('get', path, options) as Promise<Answer<'get', P>>,
  post: <P extends PathOf<'post'>>(path: P, options: Options<'post', P> = {}) =>
    call('post', path, options) as Promise<Answer<'post', P>>,
  put: <P extends PathOf<'put'>>(path: P, options: Options<'put', P> = {}) =>
    call('put', path, options) as Promise<Answer<'put', P>>,
  delete: <P extends PathOf<'delete'>>(path: P, options: Options<'delete', P> = {}) =>
    call('delete', path, options) as Promise<Answer<'delete', P>>,
}

/** A WebSocket of the API; the cookie goes with it. */
export function openSocket(path: string): WebSocket {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:'
  return new WebSocket(`${scheme}//${location.host}${API_BASE}${path}`)
}
