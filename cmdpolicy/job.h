/* SPDX-License-Identifier: MIT */
/*
 * One job: a command or script for one client, as it travels in run_cmd and cmd_result (wire
 * protocol 4.5) and as the API shows it (rport-api 3.11). Same keys, same order in all three.
 */
#ifndef RP_CMDPOLICY_JOB_H
#define RP_CMDPOLICY_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "core/defs.h"
#include "core/err.h"
#include "core/json.h"

struct rp_jsonw;

#define RP_JOB_RUNNING    "running"
#define RP_JOB_SUCCESSFUL "successful"
#define RP_JOB_FAILED     "failed"
#define RP_JOB_UNKNOWN    "unknown"

struct rp_job_result {
	char *out; /* "stdout" ("stdout" itself may be a macro) */
	char *err; /* "stderr" */
	char *summary;
};

struct rp_job {
	char *jid;
	char *status;
	int64_t finished_at; /* RP_TIME_ZERO = null */
	char *client_id;
	char *client_name;
	char *command;
	char *cwd;
	char *interpreter;
	struct rp_opt_i64 pid;
	int64_t started_at; /* RP_TIME_ZERO = zero time */
	char *created_by;
	int64_t timeout_sec;
	char *multi_job_id; /* NULL = null */
	char *schedule_id;  /* NULL = null */
	char *error;
	bool has_result; /* false: "result" is null */
	struct rp_job_result result;
	bool is_sudo;
	bool is_script;
	bool stream_result;
};

/* rp_job_decode/encode handle "result": null; the table covers all the other keys and the order. */
RP_NODISCARD int rp_job_decode(const void *p, size_t n, struct rp_job *job, struct rp_err *err);
/* Appends the JSON object to out. RP_ELIMIT when out is full. */
RP_NODISCARD int rp_job_encode(const struct rp_job *job, struct rp_buf *out);
/* The same as a value of a larger document. */
void rp_job_write(const struct rp_job *job, struct rp_jsonw *w);
RP_NODISCARD int rp_job_copy(struct rp_job *dst, const struct rp_job *src);
void rp_job_fini(struct rp_job *job);

extern const struct rp_json_table rp_job_table; /* all keys but result */
extern const struct rp_json_table rp_job_result_table;

#endif
