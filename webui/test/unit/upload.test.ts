import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { effectScope } from 'vue'
import { FakeSocket } from './lib/fakeSocket'
import { whenSignedOut } from '@/api/client'
import { backOff } from '@/api/socket'
import type { UploadResult } from '@/api/upload'
import { useUpload } from '@/composables/useUpload'

class FakeRequest {
  static all: FakeRequest[] = []
  static last = () => FakeRequest.all.at(-1) as FakeRequest
  upload: { onprogress?: (event: object) => void } = {}
  onload?: () => void
  status = 0
  responseText = ''
  open = vi.fn()
  setRequestHeader = vi.fn()
  send = vi.fn()
  constructor() {
    FakeRequest.all.push(this)
  }
  answer(status: number, text: string) {
    this.status = status
    this.responseText = text
    this.onload?.()
  }
}

beforeEach(() => {
  FakeSocket.all = []
  FakeRequest.all = []
  vi.useFakeTimers()
  vi.stubGlobal('window', globalThis)
  vi.stubGlobal('location', { protocol: 'https:', host: 'rport.example' })
  vi.stubGlobal('WebSocket', FakeSocket)
  vi.stubGlobal('XMLHttpRequest', FakeRequest)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

function start() {
  const heard: UploadResult[] = []
  const scope = effectScope()
  const upload = scope.run(() => useUpload((result) => heard.push(result)))
  if (!upload) throw new Error('no scope')
  return { ...upload, heard, scope }
}
const turn = () => vi.advanceTimersByTimeAsync(0)

test('a file is sent once its results are heard, and says how far it is', async () => {
  const { share, send, heard } = start()
  expect(FakeSocket.last().url).toBe('wss://rport.example/api/v1/ws/uploads')
  const sent = send(new FormData())
  await turn()
  expect(FakeRequest.all.length).toBe(0)
  FakeSocket.last().onopen?.()
  await turn()
  const request = FakeRequest.last()
  expect(request.open).toHaveBeenCalledWith('POST', '/api/v1/files')
  expect(request.setRequestHeader).toHaveBeenCalledWith('X-Rport-Session', 'cookie')
  request.upload.onprogress?.({ lengthComputable: true, loaded: 1, total: 4 })
  expect(share.value).toBe(0.25)
  FakeSocket.last().onmessage?.({ data: '{"client_id":"a","uuid":"u","status":"success"}' })
  FakeSocket.last().onmessage?.({ data: 'nonsense' })
  expect(heard.map((result) => result.uuid)).toEqual(['u'])
  request.answer(200, '{"data":{"uuid":"u"}}')
  expect((await sent).uuid).toBe('u')
})

test('after a break the results are heard again: later by itself, at once before a file', async () => {
  const { send, scope } = start()
  FakeSocket.last().onopen?.()
  FakeSocket.last().onclose?.()
  vi.advanceTimersByTime(1000)
  expect(FakeSocket.all.length).toBe(2)
  FakeSocket.last().onclose?.()
  void send(new FormData())
  expect(FakeSocket.all.length).toBe(3)
  // Without a connection the file is sent all the same.
  FakeSocket.last().onclose?.()
  await turn()
  expect(FakeRequest.all.length).toBe(1)
  scope.stop()
  vi.advanceTimersByTime(60_000)
  expect(FakeSocket.all.length).toBe(3)
})

test('a refusal is thrown with its text; that of an ended session signs out', async () => {
  const signedOut = vi.fn()
  whenSignedOut(signedOut)
  const { send } = start()
  FakeSocket.last().onopen?.()
  const refused = expect(send(new FormData())).rejects.toMatchObject({ status: 400, title: 'No' })
  await turn()
  FakeRequest.last().answer(400, '{"errors":[{"title":"No"}]}')
  await refused
  expect(signedOut).not.toHaveBeenCalled()
  const ended = expect(send(new FormData())).rejects.toMatchObject({ status: 401 })
  await turn()
  FakeRequest.last().answer(401, '')
  await ended
  expect(signedOut).toHaveBeenCalledTimes(1)
})

test('the wait grows up to half a minute and is never the same for all', () => {
  expect([0, 1, 2].map((n) => backOff(n, 1))).toEqual([1000, 2000, 4000])
  expect(backOff(0, 0)).toBe(500)
  expect(backOff(50, 1)).toBe(30_000)
})
