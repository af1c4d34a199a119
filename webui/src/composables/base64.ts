/** UTF-8 in base64, as the API wants scripts. */
export function toBase64(text: string): string {
  let bytes = ''
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte)
  return btoa(bytes)
}

/** What is no base64 stays as it is; what is no UTF-8 gets marks. */
export function fromBase64(text: string): string {
  try {
    const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0))
    return new TextDecoder().decode(bytes)
  } catch {
    return text
  }
}
