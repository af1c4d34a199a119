/** True: the text is in the clipboard. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyByEvent(text)
  }
}

// Without TLS browsers have no navigator.clipboard, but they still ask the page what a copy should hold.
function copyByEvent(text: string): boolean {
  let asked = false
  function answer(event: ClipboardEvent) {
    event.clipboardData?.setData('text/plain', text)
    event.preventDefault()
    asked = true
  }
  document.addEventListener('copy', answer, { capture: true, once: true })
  const done = document.execCommand('copy')
  document.removeEventListener('copy', answer, { capture: true })
  return done && asked
}
