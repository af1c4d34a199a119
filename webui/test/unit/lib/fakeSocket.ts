/** In place of WebSocket: keeps those that were opened; a test says what happens to them. */
export class FakeSocket {
  static all: FakeSocket[] = []
  static last = () => FakeSocket.all.at(-1) as FakeSocket
  onopen?: () => void
  onclose?: () => void
  onmessage?: (message: { data: unknown }) => void
  closed = false
  constructor(readonly url: string) {
    FakeSocket.all.push(this)
  }
  close() {
    this.closed = true
    this.onclose?.()
  }
}
