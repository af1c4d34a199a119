import { shallowRef } from 'vue'

export interface Question {
  title: string
  /** The object's name, shown as it is. */
  name?: string
  text?: string
  /** Text of the button that does it. */
  action: string
  danger?: boolean
  /** The name has to be typed: for what cannot be undone and hits many. */
  typeName?: boolean
  /** Done while the dialog is open and shows progress; what it throws is shown there. */
  run?: () => Promise<unknown>
}

interface Pending extends Question {
  answer: (yes: boolean) => void
}

/** The question that ConfirmDialog, once in App, shows. */
export const question = shallowRef<Pending>()

/** Resolves to true when the user agreed (and run, if given, is done). */
export function confirm(q: Question): Promise<boolean> {
  question.value?.answer(false)
  return new Promise((resolve) => {
    question.value = {
      ...q,
      answer: (yes) => {
        question.value = undefined
        resolve(yes)
      },
    }
  })
}
