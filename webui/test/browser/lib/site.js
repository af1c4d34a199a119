// A real server with real clients, users of a database with groups, all in a folder of its own on
// ports that the kernel chooses.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { eventually, run, startProgram } from './programs.js'

const RPORT = resolve(process.env.RPORT ?? '../build/debug-openssl/rport')
const PEER = resolve(process.env.RPORT_PEER ?? '../build/peer')
export const ADMIN = { username: 'admin', password: 'correct horse battery' }
const AUTH = 'machines:secret-of-machines'

const TABLES = `
CREATE TABLE "users" ("username" TEXT(150) NOT NULL, "password" TEXT(255) NOT NULL,
  "password_expired" BOOLEAN NOT NULL CHECK (password_expired IN (0, 1)) DEFAULT 0,
  "token" TEXT(36) DEFAULT NULL, "two_fa_send_to" TEXT(150), "totp_secret" TEXT);
CREATE UNIQUE INDEX "main"."username" ON "users" ("username" ASC);
CREATE TABLE "groups" ("username" TEXT(150) NOT NULL, "group" TEXT(150) NOT NULL);
CREATE UNIQUE INDEX "main"."username_group" ON "groups" ("username" ASC, "group" ASC);
CREATE TABLE "group_details" ("name" TEXT(150) NOT NULL, "permissions" TEXT DEFAULT "{}");
CREATE TABLE "clients_auth" ("id" TEXT(100) PRIMARY KEY NOT NULL, "password" TEXT(100) NOT NULL);
INSERT INTO "clients_auth" VALUES ('${AUTH.split(':')[0]}', '${AUTH.split(':')[1]}');`

// Administrators are asked for permissions too.
const EVERYTHING =
  '{"auditlog":true,"commands":true,"monitoring":true,"scheduler":true,"scripts":true,"tunnels":true,"uploads":true,"vault":true}'

function serverConfig(folder, more) {
  return `
[server]
address = "127.0.0.1:0"
auth_table = "clients_auth"
auth_write = true
key_seed = "browser test"
data_dir = "${folder}/data"
allow_root = true
max_failed_login = 0
${more.server ?? ''}
[api]
address = "127.0.0.1:0"
auth_user_table = "users"
auth_group_table = "groups"
auth_group_details_table = "group_details"
user_login_wait = 0
max_failed_login = 0
${more.api ?? ''}
[database]
db_type = "sqlite"
db_name = "${folder}/users.db"
${more.other ?? ''}
`
}

function clientConfig(folder, id, server, more) {
  return `
[client]
server = "${server}"
auth = "${AUTH}"
id = "${id}"
name = "${more.name ?? id}"
tags = ${JSON.stringify(more.tags ?? [])}
data_dir = "${folder}/${id}"
attributes_file_path = "${folder}/${id}/attributes.json"
allow_root = true
updates_interval = "${more.updates ? '4h' : '0'}"
[connection]
keep_alive = "2s"
[remote-commands]
enabled = true
allow = ['.*']
deny = []
order = ['allow','deny']
send_back_limit = 4194304
[remote-scripts]
enabled = true
[file-reception]
enabled = true
protected = []
[monitoring]
enabled = true
interval = "60s"
${more.other ?? ''}
`
}

/**
 * Starts all of it. options: clients (their number, or a list of {id, name, tags, labels, updates, other}), server, api,
 * other (more lines of the server's configuration), prepare (called with the folder before the server starts). Only clients with updates look for
 * those of this machine, which takes seconds. Answers {url, api, addUser, addClient, startPeer, stop}.
 */
export async function startSite(options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'rport-browser.'))
  const programs = []
  const config = join(folder, 'server.conf')
  writeFileSync(config, serverConfig(folder, options))
  run('sqlite3', [join(folder, 'users.db')], TABLES)

  /** Words of the command line: the user has to be there before anybody may make one by the API. */
  function addUser(username, password, groups) {
    run(
      RPORT,
      ['user', 'add', '-u', username, '-g', groups.join(','), '-c', config],
      `${password}\n`,
    )
  }
  function addGroup(name, permissions) {
    const text = typeof permissions === 'string' ? permissions : JSON.stringify(permissions)
    const sql = `INSERT INTO group_details VALUES ('${name}', '${text}');`
    run('sqlite3', [join(folder, 'users.db')], sql)
  }
  addGroup('Administrators', EVERYTHING)
  addUser(ADMIN.username, ADMIN.password, ['Administrators'])

  await options.prepare?.(folder)

  const server = startProgram(RPORT, ['server', '-c', config])
  programs.push(server)
  const [, address] = await server.line(/Listening for clients on (?:\w+:\/\/)?(\S+)/)
  const [, url] = await server.line(/API Listening on (\S+)/)

  /** Calls the API beside the browser, as the administrator. */
  async function api(method, path, body) {
    const credentials = Buffer.from(`${ADMIN.username}:${ADMIN.password}`).toString('base64')
    const headers = { Authorization: `Basic ${credentials}`, 'Content-Type': 'application/json' }
    const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }
    const response = await fetch(`${url}/api/v1${path}`, init)
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  const connected = (id, filter) => async () => {
    const query = `${filter ?? `filter[id]=${encodeURIComponent(id)}`}&filter[connection_state]=connected`
    return (await api('GET', `/clients?${query}`)).data.length > 0
  }

  /** A client of ours; it is connected when this is done. */
  async function addClient(id, more = {}) {
    mkdirSync(join(folder, id))
    writeFileSync(join(folder, id, 'attributes.json'), '{"tags":[],"labels":{}}')
    if (more.tags)
      writeFileSync(
        join(folder, id, 'attributes.json'),
        JSON.stringify({ tags: more.tags, labels: more.labels ?? {} }),
      )
    const path = join(folder, `${id}.conf`)
    writeFileSync(path, clientConfig(folder, id, address, more))
    const program = startProgram(RPORT, ['client', '-c', path])
    programs.push(program)
    await eventually(connected(id), `client ${id} is connected\n${program.output().slice(-500)}`)
    return program
  }

  /**
   * The Go program that plays an installed client, for what ours would never send. Flags win over id;
   * filter finds it then.
   */
  async function startPeer(id, flags = [], { filter } = {}) {
    const program = startProgram(PEER, [
      'client',
      '--server',
      address,
      '--auth',
      AUTH,
      '--id',
      id,
      ...flags,
    ])
    programs.push(program)
    await eventually(
      connected(id, filter),
      `peer ${id} is connected\n${program.output().slice(-500)}`,
    )
    return program
  }

  async function stop() {
    await Promise.all(programs.slice(1).map((program) => program.stop()))
    await server.stop()
    if (!process.env.KEEP_TMP) rmSync(folder, { recursive: true, force: true })
  }

  const list =
    typeof options.clients === 'number'
      ? Array.from({ length: options.clients }, (_, i) => ({ id: `machine-${i + 1}` }))
      : (options.clients ?? [])
  try {
    await Promise.all(list.map(({ id, ...more }) => addClient(id, more)))
  } catch (error) {
    await stop()
    throw error
  }
  return { url, address, folder, api, addUser, addGroup, addClient, startPeer, stop, server, RPORT }
}
