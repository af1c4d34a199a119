/* SPDX-License-Identifier: MIT */
/*
 * Fills the data directory of a server with a large fleet, through the server's own stores' code:
 *
 *   fleet DIR CLIENTS JOBS
 *
 * A few clients have 10,000 jobs each, the most that the server keeps; the others share the rest.
 * Every thousand jobs were started together. Ten groups of clients divide the fleet; each client has
 * four stored tunnels.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmdpolicy/job.h"
#include "core/alloc.h"
#include "core/clock.h"
#include "core/loop.h"
#include "server/jobs_store.h"
#include "server/registry.h"
#include "server/store.h"
#include "tunnel/hello.h"

#define BUSY_CLIENTS 5
#define BUSY_JOBS    10000
#define TOGETHER     1000
#define TUNNELS      4
/* Rows of one transaction. */
#define BATCH 10000
#define TEXT  96

static struct rp_db *db;
static struct rp_err err;

static void check(int code)
{
	if (code != 0) {
		(void)fprintf(
		    stderr, "fleet: %s\n", err.msg[0] != '\0' ? err.msg : rp_err_text(code));
		exit(1);
	}
}

static void insert(const char *sql, const char *id, const char *text)
{
	struct rp_stmt *s;
	check(rp_db_stmt(db, sql, &s, &err));
	rp_stmt_bind_text(s, 1, id);
	rp_stmt_bind_text(s, 2, text);
	check(rp_stmt_run(s, &err));
}

static void add_client(long i)
{
	char text[8][TEXT];
	char *list[1] = {text[4]};
	char *ipv4[1] = {text[5]};
	(void)snprintf(text[0], TEXT, "client-%05ld", i);
	(void)snprintf(text[1], TEXT, "machine %ld of site %ld", i, i % 100);
	(void)snprintf(text[2], TEXT, "host%ld.site%ld.example", i, i % 100);
	(void)snprintf(text[3], TEXT, "Debian 12.%ld", i % 12);
	(void)snprintf(text[4], TEXT, "site-%ld", i % 100);
	(void)snprintf(text[5], TEXT, "10.%ld.%ld.%ld", i / 65536, i / 256 % 256, i % 256);
	(void)snprintf(text[6], TEXT, "1.0.%ld", i % 4);
	(void)snprintf(text[7], TEXT, "auth-%ld", i % 50);
	static char linux_name[] = "linux";
	static char arch[] = "amd64";
	static char state[] = "disconnected";
	struct rp_client c = {
	    .id = text[0],
	    .name = text[1],
	    .hostname = text[2],
	    .os = text[3],
	    .os_full_name = text[3],
	    .os_kernel = linux_name,
	    .os_arch = arch,
	    .address = text[5],
	    .version = text[6],
	    .client_auth_id = text[7],
	    .connection_state = state,
	    .disconnected_at = rp_time_now() - i * RP_NS_PER_S,
	    .last_heartbeat_at = RP_TIME_ZERO,
	    .num_cpus = 4,
	    .mem_total = 8589934592,
	    .tags = {.v = list, .n = 1},
	    .ipv4 = {.v = ipv4, .n = 1},
	};
	char *json = rp_json_text(&rp_client_table, &c);
	check(json == NULL ? RP_ENOMEM : 0);
	insert("INSERT INTO clients (id, details) VALUES (?, ?)", c.id, json);
	rp_free(json);
}

static void add_group(long i)
{
	char id[TEXT];
	char json[TEXT * 2];
	(void)snprintf(id, sizeof(id), "sites-%ld", i);
	(void)snprintf(json, sizeof(json),
	    "{\"description\":\"\",\"params\":{\"tag\":[\"site-%ld*\"]},"
	    "\"allowed_user_groups\":[\"staff\"]}",
	    i);
	insert("INSERT INTO client_groups (id, details) VALUES (?, ?)", id, json);
}

static void add_tunnel(long client, long i)
{
	char id[TEXT];
	char client_id[TEXT];
	char at[RP_STORE_TIME_MAX];
	struct rp_stmt *s;
	(void)snprintf(id, sizeof(id), "00000000-0000-4000-a000-%06ld%06ld", client, i);
	(void)snprintf(client_id, sizeof(client_id), "client-%05ld", client);
	rp_store_time(rp_time_now(), at);
	check(rp_db_stmt(db,
	    "INSERT INTO stored_tunnels (id, client_id, created_at, name, scheme, remote_port)"
	    " VALUES (?, ?, ?, ?, 'ssh', 22)",
	    &s, &err));
	rp_stmt_bind_text(s, 1, id);
	rp_stmt_bind_text(s, 2, client_id);
	rp_stmt_bind_text(s, 3, at);
	rp_stmt_bind_text(s, 4, id + strlen(id) - 8);
	check(rp_stmt_run(s, &err));
}

static void add_multi(long i, int64_t started)
{
	char jid[TEXT];
	char at[RP_STORE_TIME_MAX];
	struct rp_stmt *s;
	(void)snprintf(jid, sizeof(jid), "00000000-0000-4000-9000-%012ld", i);
	rp_store_time(started, at);
	check(rp_db_stmt(db,
	    "INSERT INTO multi_jobs (jid, started_at, finished_at, created_by, details, targets)"
	    " VALUES (?, ?, ?, 'admin', '{}', '[]')",
	    &s, &err));
	rp_stmt_bind_text(s, 1, jid);
	rp_stmt_bind_text(s, 2, at);
	rp_stmt_bind_text(s, 3, at);
	check(rp_stmt_run(s, &err));
}

static void add_job(long i, long clients, long jobs)
{
	static const char *const states[] = {RP_JOB_SUCCESSFUL, RP_JOB_SUCCESSFUL, RP_JOB_FAILED};
	static char empty[] = "";
	static char command[] = "/usr/bin/uptime --pretty";
	static char out[] = "up 3 weeks, 2 days, 7 hours, 21 minutes\n";
	char text[5][TEXT];
	bool busy = i < (long)BUSY_CLIENTS * BUSY_JOBS;
	long client = busy ? i / BUSY_JOBS : BUSY_CLIENTS + i % (clients - BUSY_CLIENTS);
	int64_t started = rp_time_now() - (jobs - i) * RP_NS_PER_S;
	(void)snprintf(text[0], TEXT, "00000000-0000-4000-8000-%012ld", i * 7919 % jobs);
	(void)snprintf(text[1], TEXT, "client-%05ld", client);
	(void)snprintf(text[2], TEXT, "user%ld", i % 7);
	(void)snprintf(text[3], TEXT, "00000000-0000-4000-9000-%012ld", i / TOGETHER);
	(void)snprintf(text[4], TEXT, "%s", states[i % 3]);
	struct rp_job job = {
	    .jid = text[0],
	    .client_id = text[1],
	    .client_name = text[1],
	    .status = text[4],
	    .started_at = started,
	    .finished_at = started + RP_NS_PER_S,
	    .command = command,
	    .cwd = empty,
	    .interpreter = empty,
	    .created_by = text[2],
	    .timeout_sec = 60,
	    .multi_job_id = text[3],
	    .error = empty,
	    .has_result = true,
	    .result = {.out = out, .err = empty, .summary = empty},
	};
	check(rp_jobs_store_insert(db, &job, &err));
	if (i % TOGETHER == 0) {
		add_multi(i / TOGETHER, started);
	}
}

static void fill(long clients, long jobs)
{
	check(rp_db_begin(db, &err));
	for (long i = 0; i < 10; i++) {
		add_group(i);
	}
	for (long i = 0; i < clients; i++) {
		add_client(i);
		for (long k = 0; k < TUNNELS; k++) {
			add_tunnel(i, k);
		}
	}
	for (long i = 0; i < jobs; i++) {
		if (i % BATCH == 0) {
			check(rp_db_commit(db, &err));
			check(rp_db_begin(db, &err));
		}
		add_job(i, clients, jobs);
	}
	check(rp_db_commit(db, &err));
}

int main(int argc, char **argv)
{
	struct rp_loop *loop;
	struct rp_store *store;
	if (argc != 4) {
		(void)fprintf(stderr, "usage: fleet DIR CLIENTS JOBS\n");
		return 2;
	}
	check(rp_loop_new(&loop, "fleet"));
	check(rp_store_open(loop, argv[1], true, &store, &err));
	db = rp_store_db(store);
	fill(strtol(argv[2], NULL, 10), strtol(argv[3], NULL, 10));
	rp_store_close(store, NULL, NULL);
	rp_loop_stop(loop);
	int code = rp_loop_run(loop);
	rp_loop_free(loop);
	return code == 0 ? 0 : 1;
}
