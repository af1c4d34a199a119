/* SPDX-License-Identifier: MIT */
/*
 * The audit log (rport-api 4.7): who did what, in auditlog.db beside rport.db, so that its writes
 * hold up nobody. Entries are taken on the control loop at once and written in their order soon
 * after, many in one transaction. One that cannot be written is said so in the log; what it tells
 * about is not held up by it.
 *
 * With the first entry of a new period (audit_log_rotation; UTC) the file becomes
 * auditlog.<period>.db, such as auditlog.2026-11.db, and an empty one takes its place. Old files
 * are the operator's: nothing here deletes them.
 */
#ifndef RP_SERVER_AUDIT_H
#define RP_SERVER_AUDIT_H

#include <stdint.h>

#include "cmdpolicy/job.h"
#include "core/defs.h"
#include "core/err.h"
#include "core/json.h"
#include "core/loop.h"
#include "server/config.h"
#include "server/listq.h"

#define RP_AUDIT_PERIOD_MAX 16
#define RP_AUDIT_IP_MAX     64

/* As the API shows it; rp_audit_entry_table has the keys in that order. NULL is "". */
struct rp_audit_entry {
	int64_t timestamp;
	char *username;
	char *remote_ip;
	char *application; /* "client.tunnel" … */
	char *action;      /* "create" … */
	char *affected_id;
	char *client_id;
	char *client_hostname;
	char *request; /* JSON text without secrets */
	char *response;
};
extern const struct rp_json_table rp_audit_entry_table;

struct rp_audit;

/* *out is NULL if the configuration has the log off; all of the below takes that. */
RP_NODISCARD int rp_audit_open(struct rp_loop *loop, const struct rp_server_config *cfg,
    struct rp_audit **out, struct rp_err *err);
/* Writes what is left, then on_closed (may be NULL); no entry is taken any more. Once only. */
void rp_audit_close(struct rp_audit *a, void (*on_closed)(void *ctx), void *ctx);
/* After the close, or when the loop has ended. */
void rp_audit_free(struct rp_audit *a);

/* Copies the entry; the time is now, whatever it says. */
void rp_audit_add(struct rp_audit *a, const struct rp_audit_entry *e);

/* The end of a job, as it is stored: `execute.done` in the name of who started it. What the program
 * printed is left out if that is long: the job has it. */
void rp_audit_job_done(struct rp_audit *a, const struct rp_job *job, const char *client_hostname);

struct rp_audit_query {
	const char *username; /* NULL = of everybody */
	const struct rp_listq *q;
};
/* A list of the current file with all entries that were added before. rows are borrowed: until the
 * callback returns. Empty if the log is off. */
struct rp_audit_list {
	const struct rp_audit_entry *rows;
	size_t n;
	int64_t total;
};
typedef void (*rp_audit_list_cb)(
    void *ctx, int code, const struct rp_audit_list *list, const struct rp_err *err);
RP_NODISCARD int rp_audit_read(
    struct rp_audit *a, const struct rp_audit_query *query, rp_audit_list_cb cb, void *ctx);

/* "2026-11-28", "2026-W48" (ISO), "2026-11", "2026": the period that a time is in. Later periods
 * compare greater. */
void rp_audit_period(const char *rotation, int64_t t, char out[static RP_AUDIT_PERIOD_MAX]);
/* use_ip_obfuscation: the last part of an IPv4 address is x; of an IPv6 address the site's 48 bits
 * are left. Anything else stays. */
void rp_audit_obscure_ip(const char *ip, char out[static RP_AUDIT_IP_MAX]);

#endif
