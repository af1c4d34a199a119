/* SPDX-License-Identifier: MIT */
/*
 * Jobs on many clients in SQLite: what was asked for, and, until the end, for which clients. Their
 * child jobs are in the jobs table (server/jobs_store.h).
 */
#ifndef RP_SERVER_MULTI_STORE_H
#define RP_SERVER_MULTI_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/json.h"
#include "core/str.h"
#include "server/listq.h"
#include "server/store.h"

/* As the API shows it, but for `jobs` (rport-api 3.13). */
struct rp_multi_job {
	char *jid;
	int64_t started_at;
	char *created_by;
	char *schedule_id; /* NULL = null */
	struct rp_strlist client_ids;
	struct rp_strlist group_ids;
	char *tags; /* as JSON, {"tags":[…],"operator":"…"}; NULL = null */
	char *command;
	char *cwd;
	char *interpreter;
	int64_t timeout_sec;
	bool concurrent;
	bool abort_on_err;
	bool is_sudo;
	bool is_script;
};
extern const struct rp_json_table rp_multi_job_table;

/* most: newest ones that remain, with those under way; 0 = all. Copies. */
struct rp_multi_row {
	const struct rp_multi_job *job;
	const struct rp_strlist *targets;
	int64_t most;
};
RP_NODISCARD int rp_multi_store_add(
    struct rp_store *s, const struct rp_multi_row *row, rp_store_done_cb done, void *ctx);
RP_NODISCARD int rp_multi_store_finish(
    struct rp_store *s, const char *jid, rp_store_done_cb done, void *ctx);
/* Ends all that are not finished: each client without a child job gets one that failed, with that
 * text. */
RP_NODISCARD int rp_multi_store_recover(
    struct rp_store *s, const char *error, rp_store_done_cb done, void *ctx);

/* jid NULL: the list by q, which is taken (also on failure). created_by NULL = all. */
struct rp_multi_query {
	const char *jid;
	const char *created_by;
	struct rp_listq *q;
};
struct rp_multi_read {
	struct rp_multi_job *jobs;
	size_t n;
	int64_t total; /* of a list */
};
/* r is borrowed. */
typedef void (*rp_multi_read_cb)(
    void *ctx, int code, const struct rp_multi_read *r, const struct rp_err *err);
RP_NODISCARD int rp_multi_store_read(
    struct rp_store *s, const struct rp_multi_query *query, rp_multi_read_cb cb, void *ctx);

#endif
