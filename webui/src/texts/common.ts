// Texts that every page uses.

export const plural = (n: number, one: string, many: string) =>
  `${n.toLocaleString('en')} ${n === 1 ? one : many}`

export const common = {
  product: 'rport',
  actions: {
    add: 'Add',
    apply: 'Apply',
    back: 'Back',
    cancel: 'Cancel',
    clear: 'Clear',
    close: 'Close',
    copy: 'Copy',
    copied: 'Copied',
    create: 'Create',
    delete: 'Delete',
    edit: 'Edit',
    more: 'More',
    next: 'Next',
    previous: 'Previous',
    refresh: 'Refresh',
    remove: 'Remove',
    retry: 'Try again',
    run: 'Run',
    save: 'Save',
    search: 'Search',
    show: 'Show',
    stop: 'Stop',
  },
  states: {
    connected: 'Connected',
    disconnected: 'Disconnected',
    failed: 'Failed',
    loading: 'Loading …',
    running: 'Running',
    successful: 'Successful',
    unknown: 'Unknown',
  },
  words: { yes: 'Yes', no: 'No', never: 'Never', none: 'None', optional: 'optional' },
  errors: {
    noAnswer: 'The server does not answer',
    notLoaded: 'A part of the page could not be loaded: load it again.',
    unreadable: 'The answer of the server is not readable',
    notCopied: 'Copying was refused by the browser: select the text and copy it by hand.',
    status: (status: number) =>
      status ? `The server answered with status ${status}` : 'No answer',
    advice: (status: number): string => {
      switch (status) {
        case 0:
          return 'Check that the server runs and that your network reaches it, then try again.'
        case 401:
          return 'Sign in again.'
        case 403:
          return 'Ask an administrator for the permission.'
        case 404:
          return 'It may have been deleted or disconnected: refresh the page.'
        case 423:
          return 'Your address is locked for a while after too many bad attempts.'
        case 429:
          return 'Wait a few seconds, then try again.'
        case 500:
          return 'The log of the server says more.'
        case 503:
          return 'The server is busy: try again in a moment.'
        default:
          return ''
      }
    },
  },
  discard: {
    title: 'Close without saving?',
    text: 'What you have entered here is lost.',
    action: 'Close',
  },
  confirm: {
    typeName: (name: string) => `Type ${name} to confirm`,
  },
  safeText: {
    more: (n: number) => `show ${n.toLocaleString('en')} more`,
    less: 'show less',
    hidden: (code: string) => `hidden character ${code}`,
  },
  table: {
    columns: 'Columns',
    selectAll: 'Select all rows',
    selectRow: (name: string) => (name ? `Select row ${name}` : 'Select row'),
    selected: (n: number) => `${n.toLocaleString('en')} selected`,
    clearSelection: 'Clear selection',
    sort: 'Sort',
    sortBy: (label: string) => `Sort by ${label}`,
    empty: 'Nothing here yet',
  },
  paging: {
    label: 'Pages',
    range: (from: number, to: number, total: number) =>
      `${from.toLocaleString('en')}–${to.toLocaleString('en')} of ${total.toLocaleString('en')}`,
    perPage: 'Rows',
  },
  filters: {
    label: 'Filters',
    remove: (label: string) => `Remove filter ${label}`,
    clear: 'Clear filters',
  },
  combobox: { empty: 'Nothing found', open: 'Show choices', remove: (x: string) => `Remove ${x}` },
  chips: { add: 'Type and press Enter' },
  output: { label: 'Output', empty: 'No output', copy: 'Copy output' },
  graph: {
    zoomOut: 'Whole range',
    noData: 'No measurements in this range',
    label: (x: string) => `Graph of ${x}`,
  },
  toast: { label: 'Messages', dismiss: 'Dismiss' },
  time: {
    now: 'just now',
    never: 'never',
    ago: (text: string) => `${text} ago`,
    in: (text: string) => `in ${text}`,
    countdown: (text: string) => `${text} left`,
    over: 'over',
  },
}
