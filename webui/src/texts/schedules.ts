import { plural } from './common'

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

function list(words: string[]): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`
}

export const schedules = {
  title: 'Schedules',
  text: 'Commands and scripts that run at set times on many clients.',
  add: 'Add schedule',
  none: 'No schedules',
  noneText:
    'A schedule runs a command or a script at set times: updates at night, a report every Monday.',
  columns: {
    name: 'Name',
    when: 'When',
    what: 'Runs',
    clients: 'Clients',
    last: 'Last run',
    by: 'By',
    actions: 'Actions',
  },
  menu: (name: string) => `Actions for ${name}`,
  kinds: { command: 'Command', script: 'Script' },
  never: 'not yet',
  lastRun: (good: number, all: number) => `${good} of ${all} successful`,
  clients: (clients: number, groups: number) =>
    [
      clients > 0 ? plural(clients, 'client', 'clients') : '',
      groups > 0 ? plural(groups, 'group', 'groups') : '',
    ]
      .filter(Boolean)
      .join(', '),
  tags: (tags: string[], all: boolean) => `tags ${tags.join(all ? ' and ' : ' or ')}`,
  form: {
    add: 'Add schedule',
    edit: (name: string) => `Edit ${name}`,
    needs: 'A name, a time, what to run and clients are needed.',
    name: 'Name',
    schedule: 'When',
    scheduleHint:
      'Minute, hour, day of month, month, day of week; or @daily, @every 2h and the like.',
    zone: 'Time zone',
    zoneHint: 'For example Europe/Berlin; empty: that of the server.',
    presets: 'Examples',
    preset: [
      { label: 'Every day at 03:00', value: '0 3 * * *' },
      { label: 'Weekdays at 07:30', value: '30 7 * * 1-5' },
      { label: 'Every hour', value: '0 * * * *' },
      { label: 'Every Sunday', value: '0 4 * * 0' },
    ],
    type: 'Runs a',
    command: 'Command',
    script: 'Script',
    interpreter: 'Interpreter',
    interpreterHint: 'Empty: the system’s shell.',
    cwd: 'Folder',
    cwdHint: 'Where it runs; empty: a folder of the client.',
    timeout: 'Ends after (seconds)',
    sudo: 'With sudo',
    concurrent: 'On all clients at the same time',
    concurrentHint: 'Otherwise on one after the other.',
    abort: 'Stop at the first client that fails',
    overlaps: 'Begin also while the run before is still under way',
  },
  preview: {
    next: 'Next:',
    bad: 'This is no schedule',
    zone: (zone: string) => `times of ${zone}`,
  },
  saved: (name: string) => `Saved ${name}`,
  deleted: (name: string) => `Deleted ${name}`,
  confirmDelete: {
    title: 'Delete this schedule?',
    text: 'It does not run again. Results of earlier runs stay.',
  },
  // The parts of a schedule in words.
  words: {
    at: (times: string[]) => `at ${list(times)}`,
    everyMinute: 'every minute',
    everyMinutes: (n: number) => `every ${n} minutes`,
    everyHour: (minute: number) => (minute === 0 ? 'every hour' : `every hour at minute ${minute}`),
    everyHours: (n: number, minute: number) =>
      minute === 0 ? `every ${n} hours` : `every ${n} hours at minute ${minute}`,
    everyDay: 'every day',
    weekdays: 'every weekday',
    weekend: 'every Saturday and Sunday',
    onWeekdays: (days: number[]) => `every ${list(days.map((d) => WEEKDAYS[d] ?? ''))}`,
    onDays: (days: number[]) => `on day ${list(days.map(String))} of the month`,
    inMonths: (months: number[]) => `in ${list(months.map((m) => MONTHS[m - 1] ?? ''))}`,
    descriptors: {
      '@yearly': 'every year on 1 January at 00:00',
      '@annually': 'every year on 1 January at 00:00',
      '@monthly': 'on day 1 of the month at 00:00',
      '@weekly': 'every Sunday at 00:00',
      '@daily': 'every day at 00:00',
      '@midnight': 'every day at 00:00',
      '@hourly': 'every hour',
    } as Record<string, string>,
    every: (text: string) => `every ${text}`,
  },
}

export const uploads = {
  title: 'Send a file',
  text: 'To one client or many, where they allow it.',
  file: 'File',
  drop: 'Drop a file here or choose one',
  chosen: (name: string, size: string) => `${name}, ${size}`,
  dest: 'Where to',
  destHint: 'Absolute path with the file’s name, as the client sees it.',
  destBad: 'An absolute path: it begins with / (or a drive letter on Windows).',
  mode: 'Rights',
  modeHint: 'Octal, for example 0644.',
  modeBad: 'Up to four octal digits.',
  user: 'Owner',
  group: 'Group',
  exists: 'If there is a file already',
  existing: {
    keep: 'Leave it alone',
    sync: 'Replace it if it differs',
    force: 'Replace it',
  },
  send: 'Send',
  needs: 'A file, a whole path and clients are needed.',
  sending: (share: number) => `Sending to the server: ${Math.round(share * 100)} %`,
  sent: 'The server has the file; the clients fetch it now.',
  clear: 'Clear the list',
  progress: {
    title: 'Transfers',
    none: 'Nothing sent since this page was opened.',
    count: (done: number, all: number) =>
      `${done} of ${plural(all, 'client', 'clients')} have answered`,
    columns: { client: 'Client', file: 'File', state: 'State', message: 'Message', time: 'Time' },
    states: {
      waiting: 'waiting',
      success: 'done',
      error: 'failed',
      ignored: 'left alone',
    } as Record<string, string>,
  },
}
