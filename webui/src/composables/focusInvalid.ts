import { nextTick } from 'vue'

/** After a form was not sent: to the first field that is wrong, as soon as the page marks it. */
export async function focusInvalid(): Promise<void> {
  await nextTick()
  document.querySelector<HTMLElement>('main [aria-invalid="true"]')?.focus()
}
